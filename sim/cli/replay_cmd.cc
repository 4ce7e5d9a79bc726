// aiosim replay: the run of a seed file again; aiosim minimise: a smaller one that does the same.
#include <algorithm>

#include "aiosim/seed.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/seed_store.h"
#include "cli/words.h"
#include "explore/explore.h"
#include "explore/trial.h"
#include "trace/timeline.h"

namespace aiosim::cli {
namespace {

std::string hex(std::uint64_t hash) { return fmt::format("0x{:016x}", hash); }

void say_row(const Options& options, const Catalog& catalog, const ReplayRow& row) {
  say(options, "{}: {}\n", row.file, row.ok ? "as expected" : "DIFFERS");
  say(options, "  expected    {}\n", describe(row.expected, catalog));
  say(options, "  got         {}\n", describe(row.got, catalog));
  if (!row.got.text.empty()) say(options, "  {}\n", row.got.text);
  say(options, "  trace hash  {}, {}\n", hex(row.trace_hash),
      row.trace_hash == row.expected_hash ? "the file's"
                                          : "not the file's " + hex(row.expected_hash));
  if (row.unmatched > 0) say(options, "  {} choices found no question\n", row.unmatched);
}

ReplayRow replay_one(const Options& options, const LoadedSeed& loaded, const Catalog& catalog) {
  ReplayRow row;
  row.file = loaded.file;
  row.property = loaded.seed.property;
  row.backend = loaded.backend->name;
  row.expected = loaded.seed.verdict;
  row.expected_hash = loaded.seed.trace_hash;
  ReplayOptions settings;
  settings.strict = !options.loose;
  settings.trace = options.trace || options.twice;
  settings.stop_at = options.stop_at;
  try {
    const ReplayResult result = replay(loaded.seed, *loaded.property, *loaded.backend, settings);
    if (result.not_reached) {
      throw BadInput(fmt::format("--stop-at {}: the run asks nothing more after its last step, {}",
                                 options.stop_at, with_commas(result.run.points)));
    }
    trace::Symbolizer symbolizer;
    row.got = result.verdict;
    row.got.text = trace::with_places(row.got.text, symbolizer);
    row.trace_hash = result.run.trace_hash;
    row.points = result.run.points;
    row.unmatched = result.unmatched;
    if (options.trace) {
      say(options, "{}\n", trace::text(trace::make_timeline(result.run, symbolizer), true));
    }
    if (options.twice) {
      const ReplayResult again = replay(loaded.seed, *loaded.property, *loaded.backend, settings);
      if (again.run.trace_hash != row.trace_hash || !again.verdict.same_failure(row.got)) {
        row.got = {VerdictKind::not_deterministic, "",
                   trace::with_places(first_difference(result.run, again.run), symbolizer)};
      }
    }
    row.ok = row.got.same_failure(row.expected);
    say_row(options, catalog, row);
  } catch (const BadInput& error) {
    row.error = one_line(error.what());
    if (row.error.find(row.file) == std::string::npos) row.error = row.file + ": " + row.error;
    std::fflush(stdout);
    fmt::print(stderr, "aiosim: {}\n", row.error);
  }
  return row;
}

/// "corpus/a.seed" -> "corpus/a.min.seed"
std::string minimised_name(const std::string& file) {
  constexpr std::string_view end = ".seed";
  const bool usual = file.ends_with(end);
  return (usual ? file.substr(0, file.size() - end.size()) : file) + ".min.seed";
}

}  // namespace

int run_replay(const Options& options, Catalog& catalog) {
  std::vector<LoadedSeed> all;
  for (const std::string& file : options.files) all.push_back(load_seed(options, file, catalog));
  std::vector<ReplayRow> rows;
  bool differs = false;
  bool bad = false;
  for (const LoadedSeed& loaded : all) {
    if (interrupted()) break;
    rows.push_back(replay_one(options, loaded, catalog));
    bad = bad || !rows.back().error.empty();
    differs = differs || !rows.back().ok;
  }
  if (rows.size() > 1) {
    const auto ok = std::count_if(rows.begin(), rows.end(), [](auto& row) { return row.ok; });
    say(options, "{} of {} as expected\n", ok, rows.size());
  }
  print_json(options, json(rows));
  return bad ? 2 : differs ? 1 : 0;
}

int run_minimise(const Options& options, Catalog& catalog) {
  const LoadedSeed loaded = load_seed(options, options.files.front(), catalog);
  const std::string out = options.out.empty() ? minimised_name(loaded.file) : options.out;
  const SeedFile smaller = minimise(loaded.seed, *loaded.property, *loaded.backend, 200,
                                    [] { return !interrupted(); });
  write_seed_at(out, smaller);
  MinimiseReport report;
  report.file = loaded.file;
  report.seed_file = out;
  report.property = smaller.property;
  report.backend = smaller.backend;
  report.verdict = smaller.verdict;
  report.ops_before = loaded.seed.program.op_count();
  report.ops_after = smaller.program.op_count();
  report.choices_before = loaded.seed.choices.size();
  report.choices_after = smaller.choices.size();
  report.interrupted = interrupted();
  say(options, "{}\nprogram, {} operations (from {}):\n{}", describe(smaller.verdict, catalog),
      report.ops_after, report.ops_before, program_text(smaller));
  say(options, "choices, {} (from {}):\n{}", report.choices_after, report.choices_before,
      choices_text(smaller));
  say(options, "{}seed file: {}\nreplay:    {}\n",
      report.interrupted ? "interrupted: not yet the smallest\n" : "", out,
      replay_command(options.program, out, file_if_needed(*loaded.backend, catalog)));
  print_json(options, json(report));
  return 0;
}

}  // namespace aiosim::cli
