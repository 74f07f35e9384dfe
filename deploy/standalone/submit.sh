#!/usr/bin/env bash
# Runs a command on a standalone cluster: the one that start.sh made, or the one that MASTER and SPARK_HOME name.
#
#   deploy/standalone/submit.sh train run.yaml
#   SPARK_HOME=/opt/spark MASTER=spark://host:7077 deploy/standalone/submit.sh --total-executor-cores 8 train run.yaml
set -euo pipefail
source "$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)/settings.sh"

if [[ -n ${MASTER:-} ]]; then
  exec "$root/deploy/collimate" --master "$MASTER" --executor-cores 1 "$@"
fi
[[ -e $state/pids ]] || {
  echo "submit.sh: no cluster; start one with deploy/standalone/start.sh or set MASTER=spark://host:port" >&2
  exit 1
}
# The secret of the cluster reaches the driver by this file, not by its command line.
export SPARK_CONF_DIR=$state/conf SPARK_LOCAL_IP=127.0.0.1
exec "$root/deploy/collimate" --master "$master" --executor-cores 1 --executor-memory 2g \
  --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 --conf spark.ui.enabled=false "$@"
