#!/bin/sh
cmake -B build -DGGML_VULKAN=ON -DGGML_NATIVE=ON && cmake --build build -j
./build/bin/llama-server -m "${1:-m.gguf}" --flash-attn on --port 8080 > log 2>&1 &
curl -f http://localhost:8080/health
