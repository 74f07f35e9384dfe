"""One Airflow task per stage. A finished stage is skipped and an interrupted one resumes, so retries are safe.

The worker that runs these tasks needs this repository's deploy/ with its built jar, and SPARK_HOME and HADOOP_CONF_DIR
in its environment. Airflow variables: collimate_home (the repository), collimate_run (the run file).
"""

import os
import subprocess
from datetime import datetime, timedelta

from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException
from airflow.models import Variable

WRONG_RUN_FILE, BAD_DATA = 2, 3


@task(retries=3, retry_delay=timedelta(minutes=2))
def stage(name: str) -> None:
    home = Variable.get("collimate_home")
    # Client mode: only there does the exit code of the command come back.
    command = [os.path.join(home, "deploy/yarn/submit.sh"), name, Variable.get("collimate_run")]
    code = subprocess.run(command, env={**os.environ, "MODE": "client"}).returncode
    if code in (WRONG_RUN_FILE, BAD_DATA):
        raise AirflowFailException(f"{name}: exit code {code}, which trying again does not change")
    if code != 0:
        raise AirflowException(f"{name}: exit code {code}")


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def collimate():
    stage("prepare") >> stage("reference") >> stage("train") >> stage("evaluate")


collimate()
