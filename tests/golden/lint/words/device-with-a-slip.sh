#!/bin/sh
# lemonade#2799 (typo dfk)
docker run -d --device=/dev/dfk --device=/dev/dri -p 8080:8080 -v $PWD/m:/models ghcr.io/ggml-org/llama.cpp:server-rocm -m /models/a.gguf -ngl 99
# finds
# 3 error ghcr.io/ggml-org/llama.cpp:server-rocm gets no card | devices /dev/kfd
