#!/bin/sh
vllm serve TinyLlama/TinyLlama-1.1B --enable-metrics --port 8000
# finds
# 2 error --enable-metrics is no option of vLLM | leave it out
