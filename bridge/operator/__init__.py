"""The operator's view of what is stored, and of what stands in the way.

Each module asks the database, or Coze, and turns what it is told into lines for people and data
for scripts. `cli/operator.py` prints them.
"""
