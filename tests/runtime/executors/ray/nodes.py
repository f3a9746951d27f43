"""A Ray cluster as a program, which starts and kills nodes and evaluates Python expressions.

Requests and answers are lines of JSON. Nodes are called by their addresses, all of this machine.
"""

import json
import os
import sys

import ray
from ray.cluster_utils import Cluster


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Ray prints
    cluster, nodes = Cluster(shutdown_at_exit=True), {}
    for line in sys.stdin:
        request, value = json.loads(line), None
        name = request.get("node")
        if request["do"] == "start":
            nodes[name] = cluster.add_node(node_ip_address=name, **request["options"])
        elif request["do"] == "kill":
            cluster.remove_node(nodes.pop(name), allow_graceful=False)
        else:
            if not ray.is_initialized():
                ray.init(cluster.address, namespace="annotate", log_to_driver=False)
            value = eval(request["expression"])
        answers.write(json.dumps({"address": cluster.address, "value": value}) + "\n")


if __name__ == "__main__":
    main()
