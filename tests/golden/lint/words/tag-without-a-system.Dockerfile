FROM nvidia/cuda:12.2.0-base
RUN apt-get update && apt-get install -y curl
# finds
# 1 error nvidia/cuda:12.2.0-base no longer exists | a tag like 12.4.1-devel-ubuntu22.04
