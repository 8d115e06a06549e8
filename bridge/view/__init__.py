"""What an operator sees of what is stored, and does to it: as values, and each deed noted.

The command line (`bridge.operator`, which writes it down) and the admin page (`bridge.web.admin`,
which draws it) tell the same, because both ask here.
"""
