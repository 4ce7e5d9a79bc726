// aiosim explain: what happened in a seed file's run, and why it fails.
#include <filesystem>

#include "cli/commands.h"
#include "cli/explain_words.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/report.h"
#include "explore/explain.h"
#include "explore/explore.h"
#include "trace/timeline.h"

namespace aiosim::cli {
namespace {

ExplainOptions explain_options(ProgressLine& line, trace::Symbolizer& symbolizer) {
  ExplainOptions settings;
  settings.place = [&symbolizer](const void* pc) { return place_words(symbolizer.find(pc)); };
  settings.keep_going = [&line](const std::string& doing) {
    if (line.due()) line.show(doing);
    return !interrupted();
  };
  return settings;
}

void say_report(const Options& options, const ExplainReport& report) {
  say(options, "{}\n{} on {}: {}\n\nprogram:\n{}\n", report.happens, report.property,
      report.backend, report.sentence, report.program);
  say(options, "{}\n", trace::text(report.timeline, options.all));
  say(options, "verdict: {}\n", report.verdict_words);
  if (!report.verdict.text.empty()) say(options, "{}\n", report.verdict.text);
  if (report.explanation) say(options, "\n{}", why_text(report));
}

/// Before long work, so that none is lost for want of a place.
void check_folder_of(const char* flag, const std::string& file) {
  namespace fs = std::filesystem;
  if (file.empty()) return;
  const fs::path folder = fs::path(file).parent_path();
  if (fs::is_directory(file)) throw BadInput(fmt::format("{}: {} is a folder", flag, file));
  if (!folder.empty() && !fs::is_directory(folder)) {
    throw BadInput(fmt::format("{} {}: there is no folder {}", flag, file, folder.string()));
  }
}

void write_files(const Options& options, const ExplainReport& report) {
  if (!options.html.empty()) write_file(options.html, html(report));
  if (!options.perfetto.empty()) write_file(options.perfetto, trace::perfetto(report.timeline));
  for (const std::string& file : {options.html, options.perfetto}) {
    if (!file.empty()) say(options, "written: {}\n", file);
  }
}

}  // namespace

int run_explain(const Options& options, Catalog& catalog) {
  check_folder_of("--html", options.html);
  check_folder_of("--perfetto", options.perfetto);
  const LoadedSeed loaded = load_seed(options, options.files.front(), catalog);
  ReplayOptions settings;
  settings.strict = !options.loose;
  settings.trace = true;
  const ReplayResult result = replay(loaded.seed, *loaded.property, *loaded.backend, settings);
  trace::Symbolizer symbolizer;
  ExplainReport report;
  report.file = loaded.file;
  report.property = loaded.seed.property;
  report.backend = loaded.backend->name;
  report.happens = loaded.seed.happens;
  report.sentence = loaded.property->sentence();
  report.program = program_text(loaded.seed);
  report.verdict = result.verdict;
  report.verdict.text = trace::with_places(report.verdict.text, symbolizer);
  report.verdict_words = describe(result.verdict, catalog);
  report.trace_hash = result.run.trace_hash;
  report.timeline = trace::make_timeline(result.run, symbolizer);
  const bool as_expected = result.verdict.same_failure(loaded.seed.verdict);
  if (as_expected && !options.timeline && !result.verdict.passed()) {
    ProgressLine line;
    report.explanation =
        explain(loaded.seed, *loaded.property, *loaded.backend, explain_options(line, symbolizer));
    put_in_words(report, symbolizer);
  }
  if (!options.json) say_report(options, report);
  write_files(options, report);
  print_json(options, json(report));
  if (as_expected) return 0;
  fmt::print(stderr, "the file expected {}\n", describe(loaded.seed.verdict, catalog));
  return 1;
}

}  // namespace aiosim::cli
