#!/bin/sh
# ray-llm#112
docker run -it --gpus all --shm-size 1g -p 8000:8000 -e HF_HOME=~/data -v /srv/cache:~/data vllm/vllm-openai:v0.9.0 --model Qwen/Qwen3-8B
# finds
# 3 error /srv/cache:~/data is mounted at no absolute path | a path that begins with /
