"""Several replicas over one PostgreSQL: https://procrastinate.readthedocs.io calls `drain(lane)`.

Truth is in our own tables; the queue only says that a lane has work, and that one replica at a
time works on it. What it does not promise is here: `queue.py` brings back the jobs of replicas
that died and of turns without a job, `lease.py` keeps a replica that was away from speaking as if
it had not been, `calling.py` carries a /stop to the replica that it concerns, and `leader.py`
lets one replica do what only one may.
"""

from bridge.engine.cluster.engine import ClusterEngine
from bridge.engine.cluster.queue import Beats, apply_schema, schema_is_there
from bridge.engine.cluster.replicas import Replicas

__all__ = ["Beats", "ClusterEngine", "Replicas", "apply_schema", "schema_is_there"]
