FROM nvidia/cuda:latest
RUN true
# finds
# 1 error nvidia/cuda:latest no longer exists since 2023 | a tag like 12.4.1-devel-ubuntu22.04
