# What the scripts of ci/ share: steps with a line each, logs in build/log, errors that say enough.
# Sourced, after `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log_dir=$root/build/log

# --help of every script: the comment at its top.
case ${1-} in
  -h | --help)
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
    exit 0
    ;;
esac

say() { echo "aiosim: $1"; }

# step TEXT LOG COMMAND...: runs COMMAND with its output in build/log/LOG.log. One line when it is
# done; on a terminal the log's last line while it runs; on failure the log's tail and the command.
step() {
  local text=$1 log=$log_dir/$2.log started=$SECONDS status=0 job
  shift 2
  mkdir -p "$log_dir"
  if [[ -t 1 ]]; then
    "$@" > "$log" 2>&1 < /dev/null &
    job=$!
    while kill -0 "$job" 2> /dev/null; do
      printf '\r\033[K%.*s' "$(($(tput cols 2> /dev/null || echo 80) - 1))" \
        "aiosim: $text: $(tail -n 1 "$log" 2> /dev/null | tr -d '\r')"
      sleep 0.3
    done
    wait "$job" || status=$?
    printf '\r\033[K'
  else
    "$@" > "$log" 2>&1 < /dev/null || status=$?
  fi
  if [[ $status -ne 0 ]]; then
    {
      tail -n 40 "$log"
      echo "aiosim: $text: failed with status $status; the whole log is ${log#"$PWD"/}, the command:"
      printf '    cd %q &&' "$PWD"
      printf ' %q' "$@"
      echo
    } >&2
    exit "$status"
  fi
  say "$text ($((SECONDS - started)) s)"
}

# set_up PRESET [TARGET...]: packages, configuration, build (of everything without a TARGET).
set_up() {
  local preset=$1 targets=()
  shift
  [[ $# -eq 0 ]] || targets=(--target "$@")
  "$root/ci/bootstrap"
  cd "$root"
  step "configure build/$preset" "configure-$preset" cmake --preset "$preset"
  step "build build/$preset" "build-$preset" \
    cmake --build --preset "$preset" "${targets[@]}"
}
