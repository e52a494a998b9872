#!/usr/bin/env bash
MODEL=/models/a.gguf
ARGS=(
  -m "$MODEL"
  --flash-attn
)
export LLAMA_ARG_THREADS=all
exec numactl --interleave=all ./llama-server "${ARGS[@]}" --mlock "$@" >> log 2>&1
# finds
# 7 error LLAMA_ARG_THREADS=all cannot be 'all' | a number
# 8 error --flash-attn needs a value | --flash-attn on
# 8 error --mlock no longer exists since September 2026 | --load-mode mlock, and a memlock limit that allows for it
