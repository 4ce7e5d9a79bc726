#include "cli/explain_words.h"

#include <fmt/format.h>

#include "cli/words.h"

namespace aiosim::cli {
namespace {

std::string event_words(const ExplainedEvent& event, trace::Symbolizer& symbolizer) {
  std::string text = event.thread_name + ": " + event.operation;
  if (!event.object.empty()) text += " of " + event.object;
  if (event.number > 1) text += fmt::format(" (time {} here)", event.number);
  const std::string place = place_words(symbolizer.find(event.pc));
  return place.empty() ? text : text + " at " + place;
}

Answer no_return_words(const Explanation& why, trace::Symbolizer& symbolizer) {
  const PointOfNoReturn& point = why.no_return;
  Answer answer;
  if (point.how == PointOfNoReturn::How::not_asked) {
    answer.sentence = "from where on it is lost: not asked to the end";
    return answer;
  }
  if (point.how == PointOfNoReturn::How::from_the_start) {
    answer.sentence = "it is lost from the start: this program fails whatever the schedule";
    answer.tried = fmt::format("{} random schedules, all failed", point.continuations);
    return answer;
  }
  const ExplainedEvent& event = why.events[point.event];
  answer.sentence = fmt::format("from here it is always lost: step {}, {}", event.step,
                                event_words(event, symbolizer));
  if (event.older > 0) answer.sentence += ", which reads an older store";
  if (point.how == PointOfNoReturn::How::at_the_end) answer.sentence += " (the last operation)";
  answer.tried = fmt::format(
      "{0} random continuations from there, all failed; from one operation earlier {1} of {2}",
      point.continuations, point.lost_before, point.before);
  return answer;
}

Answer orderings_words(const Explanation& why, trace::Symbolizer& symbolizer) {
  const Orderings& orders = why.orderings;
  Answer answer;
  if (!orders.sufficient) {
    answer.sentence = "orders of operations alone do not make it fail";
    answer.tried = fmt::format(
        "all {} orders of dependent operations kept: {} of {} schedules "
        "failed",
        orders.all, orders.failed, orders.schedules);
    return answer;
  }
  answer.sentence =
      orders.minimal.empty() ? "it fails in every order of its operations" : "it fails whenever";
  for (const Ordering& one : orders.minimal) {
    answer.points.push_back(fmt::format("{}  {}  {}",
                                        event_words(why.events[one.first], symbolizer),
                                        one.unseen ? "does not see" : "comes before",
                                        event_words(why.events[one.second], symbolizer)));
  }
  for (const Choice& choice : orders.given) {
    answer.points.push_back(
        fmt::format("T{}: {}, as in the file", choice.key.thread, trace::in_words(choice)));
  }
  answer.tried = fmt::format(
      "{} of {} random schedules that keep {} failed; {}", orders.failed, orders.schedules,
      orders.minimal.empty() ? "none of the orders" : "these orders",
      orders.minimal.empty()
          ? fmt::format("the run has {} orders of dependent operations", orders.all)
          : fmt::format("with any one of them left out, of the {} in the run, some pass",
                        orders.all));
  return answer;
}

/// "a seq_cst fence after the atomic store of atomic 4 (relaxed) at aio::NotifyGate::raise, ..."
std::string change_words(const Remedy& remedy, trace::Symbolizer& symbolizer) {
  const std::string place = place_words(symbolizer.find(remedy.pc));
  std::string what = remedy.operation;
  if (!remedy.object.empty()) what += " of " + remedy.object;
  what += fmt::format(" ({}){}{}", remedy.order, place.empty() ? "" : " at ", place);
  switch (remedy.kind) {
    case Strengthening::Kind::fence_after:
      return "a seq_cst fence after the " + what;
    case Strengthening::Kind::fence_before:
      return "a seq_cst fence before the " + what;
    case Strengthening::Kind::acq_rel:
    case Strengthening::Kind::seq_cst:
      break;
  }
  return remedy.change + " for the " + what;
}

Answer guilt_words(const Explanation& why, trace::Symbolizer& symbolizer) {
  const Guilt& guilt = why.guilt;
  Answer answer;
  const std::string base =
      fmt::format("without a change {} of {} runs fail", with_commas(guilt.base_failed),
                  with_commas(guilt.base_runs));
  answer.tried = base;
  switch (guilt.answer) {
    case Guilt::Answer::not_asked:
      answer.sentence = "which memory order is guilty: not asked to the end";
      answer.tried.clear();
      break;
    case Guilt::Answer::too_rare:
      answer.sentence = "which memory order is guilty: random schedules fail too rarely to tell";
      break;
    case Guilt::Answer::no_order:
      answer.sentence = "no memory order is guilty: it fails under sequential consistency too";
      if (guilt.sc_runs > 0) {
        answer.tried += fmt::format("; with --memory sc it took {}", with_commas(guilt.sc_runs));
      }
      break;
    case Guilt::Answer::none_found:
      answer.sentence = "no single stronger order and no single fence makes it vanish";
      answer.tried += fmt::format("; {} changes were tried", guilt.changes_tried);
      break;
    case Guilt::Answer::found:
      answer.sentence = "a memory order is guilty";
      for (const Remedy& remedy : guilt.remedies) {
        answer.points.push_back(
            fmt::format("{} makes it vanish in {} runs (without it: 1 in {})",
                        change_words(remedy, symbolizer), with_commas(remedy.runs),
                        (guilt.base_runs + guilt.base_failed / 2) / guilt.base_failed));
      }
      answer.tried += fmt::format("; {} changes of one access were tried", guilt.changes_tried);
      break;
  }
  return answer;
}

std::string answer_text(const Answer& answer) {
  std::string out = "  " + answer.sentence + (answer.points.empty() ? "\n" : ":\n");
  for (const std::string& point : answer.points) out += "    - " + point + "\n";
  if (!answer.tried.empty()) out += "    (" + answer.tried + ")\n";
  return out;
}

}  // namespace

std::string place_words(const trace::Place& place) {
  const std::string at = trace::short_place(place);
  if (place.function.empty()) return at;
  return at.empty() ? place.function : place.function + ", " + at;
}

void put_in_words(ExplainReport& report, trace::Symbolizer& symbolizer) {
  const Explanation& why = *report.explanation;
  report.no_return = no_return_words(why, symbolizer);
  report.orderings = orderings_words(why, symbolizer);
  report.guilt = guilt_words(why, symbolizer);
  for (const Remedy& remedy : why.guilt.remedies) {
    report.remedy_places.push_back(symbolizer.find(remedy.pc));
  }
}

std::string why_text(const ExplainReport& report) {
  return "why:\n" + answer_text(report.no_return) + answer_text(report.orderings) +
         answer_text(report.guilt);
}

}  // namespace aiosim::cli
