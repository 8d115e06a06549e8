"""Where Alembic enters. The connection comes from `bridge.store.migrate`."""

from alembic import context

from bridge.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transaction_per_migration=False,  # all or nothing
)
context.run_migrations()
