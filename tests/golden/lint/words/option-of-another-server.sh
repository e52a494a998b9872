#!/bin/sh
docker run --gpus all --shm-size 1g -p 8080:80 ghcr.io/huggingface/text-generation-inference:3.3.4 --model Qwen/Qwen2.5-7B-Instruct
# finds
# 2 error --model is no option of Text Generation Inference | --model-id
