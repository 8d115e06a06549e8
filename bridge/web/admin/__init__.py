"""`/admin`: the operator's page. Drawn by the server; a script only keeps it up to date."""
