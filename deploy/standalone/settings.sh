# Where the local standalone cluster lives; read by the scripts beside this file.
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
line=${COLLIMATE_SPARK_LINE:-4.1}
scala=2.13
[[ $line != 3.5 ]] || scala=2.12
spark=$root/spark-jobs/target/spark-$line/spark
state=$root/spark-jobs/target/spark-$line/standalone
port=${COLLIMATE_STANDALONE_PORT:-7077}
master=spark://127.0.0.1:$port
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
opens=()
for package in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent \
  java.util.concurrent.atomic jdk.internal.ref sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar; do
  opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
done
