#!/usr/bin/env bash
# Runs a command on YARN, the driver in the cluster. Needs SPARK_HOME (Spark 3.5 or 4.1) and HADOOP_CONF_DIR.
#
#   deploy/yarn/submit.sh run hdfs:///runs/dpo.yaml
#   MODE=client WORKERS=8 OVERHEAD=6g deploy/yarn/submit.sh train hdfs:///runs/dpo.yaml
#
#   WORKERS   executors, 4: as many as cluster.workers in the run file
#   CORES     cores of each, 1: at least cluster.threads in the run file
#   MEMORY    heap of each, 2g
#   OVERHEAD  memory of each outside the heap, 4g: libtorch lives there; `train` names the sum it needs
#   DRIVER    heap of the driver, 4g: 16 bytes a trained parameter, 12 more while a checkpoint is written, and gradients
set -euo pipefail
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${SPARK_HOME:?must name the Spark installation}" "${HADOOP_CONF_DIR:?must name the folder of yarn-site.xml}"

exec "$root/deploy/collimate" --master yarn --deploy-mode "${MODE:-cluster}" --name collimate \
  --num-executors "${WORKERS:-4}" --executor-cores "${CORES:-1}" --executor-memory "${MEMORY:-2g}" \
  --driver-memory "${DRIVER:-4g}" --conf "spark.executor.memoryOverhead=${OVERHEAD:-4g}" \
  --conf spark.authenticate=true --conf spark.network.crypto.enabled=true \
  --conf spark.speculation=false --conf spark.excludeOnFailure.enabled=false --conf spark.locality.wait=0s \
  --conf spark.yarn.maxAppAttempts=4 --conf spark.yarn.am.attemptFailuresValidityInterval=1h \
  --conf spark.yarn.max.executor.failures=1000 --conf spark.yarn.executor.failuresValidityInterval=1h \
  --conf "spark.yarn.appMasterEnv.OMP_NUM_THREADS=${CORES:-1}" --conf "spark.yarn.appMasterEnv.MKL_NUM_THREADS=${CORES:-1}" \
  --conf spark.yarn.appMasterEnv.DJL_OFFLINE=true --conf spark.yarn.appMasterEnv.OPT_OUT_TRACKING=true \
  "$@"
