#!/usr/bin/env bash
# Starts a standalone Spark on this machine from the embedded jars: a master and workers, on the loopback interface.
#
#   deploy/standalone/start.sh [WORKERS]       default 2, each with one core and 3 GiB
#   deploy/standalone/stop.sh
#   deploy/standalone/submit.sh COMMAND …      runs a command there
#
# For a cluster of several machines use the sbin scripts of a Spark distribution; submit.sh works with it too.
set -euo pipefail
source "$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)/settings.sh"

[[ -d $spark/jars ]] || {
  echo "start.sh: no Spark in $spark; build it with: mvn -q -DskipTests package" >&2
  exit 1
}
[[ ! -e $state/pids ]] || {
  echo "start.sh: already started ($state/pids); stop it with deploy/standalone/stop.sh" >&2
  exit 1
}
(umask 077 && mkdir -p "$state/conf" "$state/logs" "$state/work" "$state/local")
ln -sfn "$spark/jars" "$state/jars"
ln -sfn "$root/conf/log4j2.properties" "$state/conf/log4j2.properties"
(
  umask 077
  # Both sides read this file (submit.sh), so both have the secret. The REST gateway, which we do not use, would let
  # anybody submit without it.
  cat >"$state/conf/spark-defaults.conf" <<END
spark.authenticate true
spark.authenticate.secret $(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
spark.network.crypto.enabled true
spark.network.crypto.authEngineVersion 2
spark.network.crypto.saslFallback false
spark.master.rest.enabled false
END
)

launch() { # name, class, arguments
  local name=$1
  shift
  "$java" -Xmx512m "${opens[@]}" -cp "$state/conf:$state/jars/*" "$@" >"$state/logs/$name" 2>&1 &
  echo "$!" >>"$state/pids"
}
export SPARK_HOME=$state SPARK_CONF_DIR=$state/conf SPARK_SCALA_VERSION=$scala SPARK_LOCAL_IP=127.0.0.1
export SPARK_LOCAL_DIRS=$state/local
launch master org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" --webui-port 0
for ((tries = 0; ; tries++)); do
  if (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  if ((tries == 120)) || ! kill -0 "$(head -n 1 "$state/pids")" 2>/dev/null; then
    rm -f "$state/pids"
    echo "start.sh: the master does not listen on port $port; see $state/logs/master" >&2
    exit 1
  fi
  sleep 0.5
done
for ((i = 1; i <= ${1:-2}; i++)); do
  launch "worker-$i" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --cores 1 --memory 3g --webui-port 0 \
    --work-dir "$state/work" "$master"
done
echo "$master, logs in $state/logs"
