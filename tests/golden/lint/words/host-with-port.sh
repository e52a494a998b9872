#!/bin/sh
llama-server -m m.gguf --host 0.0.0.0:8080
# finds
# 2 error --host 0.0.0.0:8080 breaks the image | --host 0.0.0.0 --port 8080
