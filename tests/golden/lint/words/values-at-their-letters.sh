#!/bin/sh
# triton style with attached values
docker run --rm -p9000:9000 -p8001:8001 -v/srv/models:/models nvcr.io/nvidia/tritonserver:24.08-py3 tritonserver --model-store=/models
# finds
# 3 error 9000 is not where the server listens | 8000 behind the colon
# 3 warning --model-store is an option of older releases of Triton | --model-repository
