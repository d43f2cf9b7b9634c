#!/usr/bin/env bash
# Workers of one search, as a SLURM array: sbatch slurm_array.sh
# Edit the lines up to "worker options". No password belongs in this file: see docs/cluster.md.
#SBATCH --job-name=fairtune
#SBATCH --array=0-7
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --time=08:00:00
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=fairtune-%A_%a.log

# --array: how many workers. --signal: seconds before the time limit at which a worker is told to end its epoch and give
# its trial back; longer than an epoch takes. SLURM may send it up to a minute earlier.

: "${FAIRTUNE_CONFIG:=search.yaml}"                       # the same file for every worker
: "${FAIRTUNE_DATABASE:=postgresql://fairtune@db.example.org/fairtune}" # without the password
: "${FAIRTUNE_OUTPUT_DIR:=/shared/fairtune/search}"       # seen by all nodes
: "${FAIRTUNE_MAX_RESTARTS:=200}"                         # of one task
export PGPASSFILE="${PGPASSFILE:-$HOME/.pgpass}"
# source "$HOME/fairtune/bin/activate"

# SLURM signals this shell alone; the worker must hear it.
worker=
was_signalled=0
trap 'was_signalled=1; [ -z "$worker" ] || kill -USR1 "$worker" 2>/dev/null' USR1
trap 'was_signalled=1; [ -z "$worker" ] || kill -TERM "$worker" 2>/dev/null' TERM

# ---- worker options
monai-fairtune worker --config "$FAIRTUNE_CONFIG" --storage "$FAIRTUNE_DATABASE" \
  --output_dir "$FAIRTUNE_OUTPUT_DIR" "$@" &
worker=$!
[ "$was_signalled" = 0 ] || kill -USR1 "$worker"

# A signal also ends wait: then wait again. 127 means that the worker's exit code was told already.
code=0
while :; do
  was_signalled=0
  wait "$worker"
  last=$?
  [ "$last" = 127 ] || code=$last
  [ "$was_signalled" = 0 ] && break
done

# The task of an array, never the array: SLURM_JOB_ID of one of the tasks is the id of them all.
task="${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
now() { date '+%F %T'; }

case "$code" in
  75 | 76 | 138 | 143) # try again later; its training hung; or the signal came before the worker listened (128 + USR1, 128 + TERM)
    if [ "$(squeue --noheader --jobs="$task" --format=%T)" != RUNNING ]; then
      echo "$(now) task $task was ended by SLURM: this script does not requeue it"
    elif [ "${SLURM_RESTART_COUNT:-0}" -ge "$FAIRTUNE_MAX_RESTARTS" ]; then
      echo "$(now) task $task was restarted $SLURM_RESTART_COUNT times: given up"
    else
      echo "$(now) task $task goes back to the queue after exit code $code"
      scontrol requeue "$task"
    fi
    ;;
esac
exit "$code"
