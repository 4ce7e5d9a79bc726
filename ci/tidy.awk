# The checks of ci/tidy, for any awk. Prints FILE:LINE: check: what is wrong.
#
# Functions are found by the layout that .clang-format gives them: they begin with the last line
# at column 0 (members: 2) before the closing brace that stands alone at that column.

function report(line, check, text) { printf "%s:%d: %s: %s\n", FILENAME_, line, check, text }

function end_of_file() {
  if (FILENAME_ != "" && last > 400) report(last, "file", last " lines, at most 400")
}

# The folder that an include line reaches into: impl, sim, sim's inside, fault, properties or "".
function reaches(header) {
  if (header ~ /^aio\//) return "impl"
  if (header ~ /^aiosim\//) return "sim"
  if (header ~ /^fault\//) return "fault"
  if (header ~ /^properties\//) return "properties"
  if (header ~ /^(runtime|memory|kernel|explore|trace|seed|cli|names)\//) return "sim inside"
  return ""
}

function allowed(file, header, to) {
  if (to == "") return header !~ /\.\.\//
  if (file ~ /^impl\//) return to == "impl"
  if (file ~ /^sim\//) return to ~ /^sim/ || header ~ /^fault\/(points|host_calls)\.h$/
  if (file ~ /^fault\//) return to == "fault"
  if (file ~ /^properties\/(backends|soak)\//) return to != "sim inside"
  if (file ~ /^properties\//) return to != "sim inside" && to != "impl"
  return 1
}

function check_include(line, header) {
  header = line
  sub(/^ *# *include *[<"]/, "", header)
  sub(/[>"].*/, "", header)
  if (!allowed(FILENAME, header, reaches(header)))
    report(FNR, "include", FILENAME " may not include " header)
}

function check_function(indent, closing) {
  if (closing && start[indent] > 0 && FNR - start[indent] + 1 > 70)
    report(start[indent], "function", FNR - start[indent] + 1 " lines, at most 70")
}

FNR == 1 {
  end_of_file()
  start[0] = start[2] = 0
  code = FILENAME ~ /\.(h|cc)$/
  FILENAME_ = FILENAME
}

{
  last = FNR
  shown = $0
  gsub(/[\200-\277]/, "", shown)
  if (length(shown) > 100) report(FNR, "column", length(shown) " columns, at most 100")
}

/\t/ { report(FNR, "tab", "a tab; indent with spaces") }

!code { next }

/^ *# *include/ { check_include($0) }
/^(#|\/\/|$)/ { next }

/^}$/ { check_function(0, 1); start[0] = 0; next }
/^  }$/ { check_function(2, 1); start[2] = 0; next }
/^(namespace|extern "C"|struct|class|enum|union|}|public:|private:)/ { start[0] = 0; next }
/^[^ ]/ { start[0] = FNR; next }
/^  [^ \/#:]/ { start[2] = FNR }

END { end_of_file() }
