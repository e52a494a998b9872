FROM python:3.13-slim
RUN pip install torch==2.4.1 --index-url https://download.pytorch.org/whl/cu124
RUN pip install transformers accelerate
CMD ["python", "serve.py"]
# finds
# 2 error torch==2.4.1 has no wheel for Python 3.13 | torch==2.5 or newer, or an older Python
