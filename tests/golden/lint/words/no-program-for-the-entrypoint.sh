#!/bin/sh
# sglang#3855
docker run --gpus all --rm --shm-size 32g -p 30000:30000 --ipc=host lmsysorg/sglang:dev --host 0.0.0.0 --port 30000
# finds
# 3 error --host is taken for a program | python3 -m sglang.launch_server before it
