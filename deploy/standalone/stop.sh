#!/usr/bin/env bash
# Stops what start.sh started, by the process ids it noted.
set -euo pipefail
source "$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)/settings.sh"
[[ -e $state/pids ]] || {
  echo "stop.sh: nothing is running ($state/pids is not there)" >&2
  exit 1
}
while read -r pid; do
  # A pid may be another process by now.
  if grep -qs org.apache.spark.deploy "/proc/$pid/cmdline"; then
    kill "$pid"
  fi
done <"$state/pids"
rm -f "$state/pids"
