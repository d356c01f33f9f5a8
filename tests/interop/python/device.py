"""A device made with the official Python SDK, which does what it is told.

Commands come as JSON lines on standard input; what the SDK reports goes as JSON lines to standard
output. Arguments: device id, realm, credentials secret, pairing URL, folder of interfaces, folder
for the SDK.
"""

import base64
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

from astarte.device import DeviceMqtt


def main() -> None:
    device_id, realm, secret, pairing_url, interfaces, folder = sys.argv[1:]
    device = DeviceMqtt(device_id, realm, secret, pairing_url, folder)
    device.add_interfaces_from_dir(Path(interfaces))
    device.set_events_callbacks(
        on_connected=lambda _: report(event="connected"),
        on_disconnected=lambda _, code: report(event="disconnected"),
        on_data_received=lambda _, interface, path, value: report(
            event="received", interface=interface, path=path, value=to_json(value)
        ),
    )
    for line in sys.stdin:
        obey(device, json.loads(line))
    device.disconnect()


def obey(device: DeviceMqtt, command: dict) -> None:
    match command:
        case {"do": "connect"}:
            device.connect()
        case {"do": "send", "interface": interface, "path": path, "value": value}:
            moment = command.get("timestamp")
            stamp = None if moment is None else to_datetime(moment)
            device.send(interface, path, from_json(value), stamp)
        case {"do": "send_object", "interface": interface, "path": path, "object": fields}:
            values = {key: from_json(value) for key, value in fields.items()}
            device.send_aggregate(interface, path, values)
        case {"do": "unset", "interface": interface, "path": path}:
            device.unset_property(interface, path)
        case _:
            raise ValueError(command)


def report(**event) -> None:
    print(json.dumps(event), flush=True)


def from_json(value: dict):
    """Reads a value that carries its type."""
    kind, value = value["type"], value["value"]
    if kind.endswith("array"):
        return [from_json({"type": kind.removesuffix("array"), "value": item}) for item in value]
    if kind == "binaryblob":
        return base64.b64decode(value)
    return to_datetime(value) if kind == "datetime" else value


def to_json(value):
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=timezone.utc)
        return round(value.timestamp() * 1000)
    return value


def to_datetime(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, timezone.utc)


main()
