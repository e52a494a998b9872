#!/bin/bash
docker run --gpus all --shm-size 16g -p 8000:8000 vllm/vllm-openai:v0.9.1 \
  --model Qwen/Qwen3-8B --gpu-memory-utilization 90
# finds
# 3 error --gpu-memory-utilization 90 is too large for vLLM | --gpu-memory-utilization 0.9
