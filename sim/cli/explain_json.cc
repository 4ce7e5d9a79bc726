// The JSON document of `aiosim explain`.
#include "cli/json_shared.h"
#include "cli/report.h"
#include "trace/symbolize.h"

namespace aiosim::cli {
namespace {

Json event_json(const ExplainedEvent& event) {
  return {{"step", event.step},           {"thread", event.thread_name},
          {"operation", event.operation}, {"object", optional(event.object)},
          {"detail", event.detail},       {"time_here", event.number}};
}

void add_answer(Json& json, const Answer& answer) {
  json["sentence"] = answer.sentence;
  json["points"] = answer.points;
  json["tried"] = answer.tried;
}

Json no_return_json(const Explanation& why, const Answer& answer) {
  using How = PointOfNoReturn::How;
  const PointOfNoReturn& point = why.no_return;
  Json json;
  json["how"] = point.how == How::from_the_start ? "from the start"
                : point.how == How::at_event     ? "at an operation"
                : point.how == How::at_the_end   ? "at the last operation"
                                                 : "not asked";
  const bool known = point.how == How::at_event || point.how == How::at_the_end;
  json["event"] = known ? event_json(why.events[point.event]) : Json(nullptr);
  json["continuations"] = point.continuations;
  json["before"] = {{"continuations", point.before}, {"failed", point.lost_before}};
  add_answer(json, answer);
  return json;
}

Json orderings_json(const Explanation& why, const Answer& answer) {
  Json json;
  json["sufficient"] = why.orderings.sufficient;
  json["minimal"] = Json::array();
  for (const Ordering& one : why.orderings.minimal) {
    json["minimal"].push_back({{"first", event_json(why.events[one.first])},
                               {"second", event_json(why.events[one.second])},
                               {"unseen", one.unseen}});
  }
  json["all"] = why.orderings.all;
  json["schedules"] = why.orderings.schedules;
  json["failed"] = why.orderings.failed;
  add_answer(json, answer);
  return json;
}

std::string_view change_name(Strengthening::Kind kind) {
  switch (kind) {
    case Strengthening::Kind::acq_rel:
      return "acq_rel";
    case Strengthening::Kind::seq_cst:
      return "seq_cst";
    case Strengthening::Kind::fence_before:
      return "fence before";
    case Strengthening::Kind::fence_after:
      return "fence after";
  }
  return "";
}

Json guilt_json(const Guilt& guilt, const Answer& answer, const std::vector<trace::Place>& places) {
  constexpr const char* answers[] = {"not asked", "no memory order", "too rare", "none found",
                                     "found"};
  Json json;
  json["answer"] = answers[static_cast<std::size_t>(guilt.answer)];
  json["base"] = {{"runs", guilt.base_runs}, {"failed", guilt.base_failed}};
  json["changes_tried"] = guilt.changes_tried;
  json["remedies"] = Json::array();
  for (std::size_t i = 0; i < guilt.remedies.size(); ++i) {
    const Remedy& remedy = guilt.remedies[i];
    json["remedies"].push_back({{"change", change_name(remedy.kind)},
                                {"operation", remedy.operation},
                                {"object", optional(remedy.object)},
                                {"order", remedy.order},
                                {"function", optional(places[i].function)},
                                {"file", optional(places[i].file)},
                                {"line", places[i].line},
                                {"runs", remedy.runs}});
  }
  add_answer(json, answer);
  return json;
}

Json line_json(const trace::Line& line) {
  Json event;
  event["step"] = line.step;
  event["time_ns"] = line.time_ns;
  event["thread"] = line.thread;
  event["operation"] = line.operation;
  event["object"] = optional(line.object);
  event["a"] = line.a;
  event["b"] = line.b;
  event["detail"] = line.detail;
  event["choice"] = optional(line.choice);
  event["function"] = optional(line.place.function);
  event["file"] = optional(line.place.file);
  event["line"] = line.place.line == 0 ? Json(nullptr) : Json(line.place.line);
  return event;
}

}  // namespace

std::string json(const ExplainReport& report) {
  Json out;
  out["file"] = report.file;
  out["property"] = report.property;
  out["backend"] = report.backend;
  add_verdict(out, report.verdict);
  out["trace_hash"] = hex(report.trace_hash);
  out["no_return"] = out["orderings"] = out["guilt"] = nullptr;
  if (report.explanation) {
    const Explanation& why = *report.explanation;
    out["no_return"] = no_return_json(why, report.no_return);
    out["orderings"] = orderings_json(why, report.orderings);
    out["guilt"] = guilt_json(why.guilt, report.guilt, report.remedy_places);
    out["interrupted"] = why.interrupted;
  }
  out["events"] = Json::array();
  for (const trace::Line& line : report.timeline.lines) out["events"].push_back(line_json(line));
  out["objects"] = Json::array();
  for (const trace::NamedObject& object : report.timeline.objects) {
    out["objects"].push_back({{"object", object.object},
                              {"function", object.place.function},
                              {"file", object.place.file},
                              {"line", object.place.line},
                              {"source", object.source}});
  }
  out["threads"] = Json::array();
  for (const trace::ThreadEnd& thread : report.timeline.threads) {
    out["threads"].push_back(
        {{"name", thread.name}, {"waiting_for", optional(thread.waiting_for)}});
  }
  return dump(out);
}

}  // namespace aiosim::cli
