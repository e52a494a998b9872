"""llama.cpp: its server, and what else is known of it. Nothing outside this folder and `recipes/` names it."""
