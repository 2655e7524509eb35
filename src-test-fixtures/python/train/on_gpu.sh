#!/usr/bin/env bash
# Goes on with the denoiser of lingen-nano on a machine with a GPU: renders clips on its processors beside the training, and trains as soon as there are some.
#   bash train/on_gpu.sh MINUTES WORK [TEXT]      from src-test-fixtures/python; TEXT is what train.pack_text wrote (default: the local Maven repository's encoder)
# WORK gets denoiser.pt, denoiser.csv and decoder-final.pt for train.export. Called again it goes on, with the clips that are there; MINUTES is the whole schedule.
set -euo pipefail
minutes=$1 work=$2 device=${DEVICE:-cuda} text=${3:+--text $3}
export OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1
mkdir -p "$work"
if [[ ! -e $work/start.pt ]]; then
  python3 -m train.restore --model ../../lingen-nano/src/main/resources/io/lingen/nano --work "$work"
fi
# A fifth of the processors for short clips, half for those of 17 s, the rest for those of 68 s: rendering is what keeps the GPU waiting.
# Motions that the shipped denoiser gets wrong (docs/nano.md) are drawn more often than the world does.
cores=$(nproc) seed=${SEED:-31}
render() {  # name, seconds, clips, share of clips with an event, processes, seed, options of make_latents
  python3 -m train.make_latents --decoder "$work/decoder-final.pt" --output "$work/latents" --seconds "$2" --clips "$3" --event "$4" --two 0.35 \
    --processes "$5" --seed "$6" --device "$device" $text "${@:7}" > "$work/latents-$1.log" 2>&1 &
}
wrong=(--motions spinning bouncing growing shrinking)
render 2 2 800 0 $((cores / 10 + 1)) "$seed"
render 2-wrong 2 800 0 $((cores / 10 + 1)) $((seed + 1)) "${wrong[@]}"
render 17 17 6000 0.25 $((cores / 4 + 1)) "$seed"
render 17-wrong 17 6000 0.25 $((cores / 4 + 1)) $((seed + 1)) "${wrong[@]}"
render 68 68 2400 0.5 $((cores * 3 / 10 + 1)) "$seed"
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
until ls "$work"/latents/17s-*.npz "$work"/latents/2s-*.npz > /dev/null 2>&1; do
  if [[ -z $(jobs -r) ]]; then
    tail -n 3 "$work"/latents-*.log >&2
    exit 1
  fi
  sleep 1
done
python3 -m train.train_denoiser --work "$work" --latents "$work/latents" --start "$work/start.pt" $text --long --report 0.25 --scale "${SCALE:-8}" \
  --processes 1 --device "$device" --minutes "$minutes"
