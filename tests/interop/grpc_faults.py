"""What goes wrong over gRPC, as the official library of gRPC reads it: the status of each, and the reason in its details.

    grpc_faults.py HOST:PORT CA TOKEN TASK      TASK is somebody else's
"""

import json
import sys

import grpc
from a2a.types import GetTaskRequest, SendMessageRequest, Task
from google.rpc import error_details_pb2, status_pb2

address, ca, token, task = sys.argv[1:]
with open(ca, "rb") as file:
    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(file.read()))
OWN = [("a2a-version", "1.0"), ("authorization", f"Bearer {token}")]


def outcome(method, request, metadata):
    call = channel.unary_unary(f"/lf.a2a.v1.A2AService/{method}", lambda it: it, Task.FromString)
    try:
        call(request, metadata=metadata, timeout=20)
        return "answered"
    except grpc.RpcError as error:
        reasons = []
        for name, value in error.trailing_metadata() or []:
            if name == "grpc-status-details-bin":
                for detail in status_pb2.Status.FromString(value).details:
                    info = error_details_pb2.ErrorInfo()
                    if detail.Unpack(info):
                        reasons.append(info.reason)
        return [error.code().name, *reasons]


get = GetTaskRequest(id=task).SerializeToString()
print(json.dumps({
    "no token": outcome("GetTask", get, OWN[:1]),
    "no version": outcome("GetTask", get, OWN[1:]),
    "another's task": outcome("GetTask", get, OWN),
    "no id": outcome("GetTask", b"", OWN),
    "no message": outcome("SendMessage", SendMessageRequest().SerializeToString(), OWN),
    "no protocol buffer": outcome("GetTask", b"\xff\xff", OWN),
    "no method": outcome("Destroy", b"", OWN),
}))
