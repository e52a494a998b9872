FROM python:3.11-slim
RUN pip install torch==2.4.0+cu121 transformers
CMD ["python","s.py"]
# finds
# 2 error torch==2.4.0+cu121 is a version that PyPI does not have | --extra-index-url https://download.pytorch.org/whl/cu121
