#!/usr/bin/env bash
# What Spark on Kubernetes starts in a pod: "executor" with its facts in the environment, or a command of ours in the
# driver's pod (job.yaml), which is then spark-submit in client mode.
set -euo pipefail
opens=()
for package in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent \
  java.util.concurrent.atomic jdk.internal.ref sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar; do
  opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
done
opens+=(-Djdk.reflect.useDirectMethodHandle=false -Dio.netty.tryReflectionSetAccessible=true)
classpath="/opt/spark/conf:/opt/spark/jars/*"

if [[ ${1:-} == executor ]]; then
  options=()
  while IFS= read -r option; do
    options+=("$option")
  done < <(env | sed -n 's/^SPARK_JAVA_OPT_[0-9]*=//p')
  exec java "${options[@]}" -Xms"$SPARK_EXECUTOR_MEMORY" -Xmx"$SPARK_EXECUTOR_MEMORY" -cp "$classpath" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --driver-url "$SPARK_DRIVER_URL" \
    --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" --app-id "$SPARK_APPLICATION_ID" \
    --hostname "$SPARK_EXECUTOR_POD_IP" --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
fi
exec java -Xmx"${DRIVER_HEAP:-3g}" "${opens[@]}" -cp "$classpath" org.apache.spark.deploy.SparkSubmit "$@"
