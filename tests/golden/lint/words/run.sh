#!/bin/sh
docker run --rm -d --name chat -p 8080:8080 -v /m:/m \
  ghcr.io/ggml-org/llama.cpp:server-cuda-b11312 -m /m/a.gguf --n-gpu-layers lots
# finds
# 3 error --n-gpu-layers cannot be 'lots' | one of: a number, auto, all
# 3 error ghcr.io/ggml-org/llama.cpp:server-cuda-b11312 gets no card | --gpus all; in a compose file gpus: all, or deploy.resources.reservations.devices with capabilities: [gpu]
