"""C: sensors and actuators in a main loop, through tools, resources and subscriptions."""

import asyncio
import json
from datetime import datetime

import pytest
from example_servers import MODES, SECONDS, converse, http, refused, said
from mcp import Client, MCPError
from mcp.client.subscriptions import ResourceUpdated

EXAMPLE = "c/devices"
SENSORS = ["temperature", "humidity", "light"]
TEMPERATURE = "device://sensors/temperature"


async def called(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error and json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def read(client, uri):
    content = (await client.read_resource(uri)).contents[0]
    assert content.mime_type == "application/json"
    return json.loads(content.text)


def test_devices(way):
    async def use(client):
        devices = await called(client, "list_devices")
        assert [each["name"] for each in devices["sensors"]] == SENSORS
        assert [(each["name"], each["value"]) for each in devices["actuators"]] == [("fan", 0), ("led", "off")]
        assert set(devices["sensors"][0]) == {"name", "value", "unit", "updated"}
        datetime.fromisoformat(devices["sensors"][0]["updated"])
        listed = {str(one.uri): one.name for one in (await client.list_resources()).resources}
        assert listed == {
            **{f"device://sensors/{name}": name for name in SENSORS},
            **{f"device://actuators/{name}": name for name in ("fan", "led")},
        }
        assert (await called(client, "read_sensor", name="light"))["value"] == 120
        assert (await called(client, "set_actuator", name="led", value="on"))["value"] == "on"
        assert (await read(client, "device://actuators/led"))["value"] == "on"
        assert (await called(client, "set_actuator", name="fan", value=12.5))["value"] == 12.5
        while (await called(client, "read_sensor", name="light"))["value"] != 850:
            await asyncio.sleep(0.02)

        known = "there are temperature, humidity, light"
        assert known in await refused(client, "read_sensor", name="pressure")
        assert known in await refused(client, "read_sensor", name="fan")
        assert known in await refused(client, "read_sensor", name="x" * 100_000)
        told = await refused(client, "read_sensor", name="x" + "ü" * 30)
        assert told.startswith("Error: there is no x" + "ü" * 19 + " in sensors")
        assert "there are fan, led" in await refused(client, "set_actuator", name="temperature", value=1)
        for value in (-1, 100.5, 1e300, "fast", ""):
            assert "0 to 100" in await refused(client, "set_actuator", name="fan", value=value)
        for value in (1, "ON", "", "on\0", "onward"):
            assert '"on" or "off"' in await refused(client, "set_actuator", name="led", value=value)
        assert "/value" in await refused(client, "set_actuator", name="fan", value=[1])
        assert '"value" is a required' in await refused(client, "set_actuator", name="fan")
        assert (await read(client, "device://actuators/fan"))["value"] == 12.5
        with pytest.raises(MCPError):
            await client.read_resource("device://sensors/pressure")

    converse(EXAMPLE, way, use)


def test_the_fan_cools_and_subscribers_hear_of_it():
    async def modern(client):
        async with client.listen(resource_subscriptions=[TEMPERATURE]) as changes:
            await said(client, "set_actuator", name="fan", value=100)
            values = [30]
            # It may have moved again between an update and the reading, so that the next update finds the same.
            while len(values) < 4:
                assert await anext(changes) == ResourceUpdated(TEMPERATURE)
                now = (await read(client, TEMPERATURE))["value"]
                assert 18 <= now <= values[-1]
                if now != values[-1]:
                    values.append(now)

    async def main(url):
        async with Client(url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:
            await modern(client)

    with http(EXAMPLE) as url:
        asyncio.run(asyncio.wait_for(main(url), SECONDS))


def test_a_subscription_of_a_session():
    updated = []

    async def hear(message):
        if getattr(message, "method", None) == "notifications/resources/updated":
            updated.append(str(message.params.uri))

    async def use(client):
        await client.subscribe_resource("device://actuators/led")
        await said(client, "set_actuator", name="led", value="on")
        while not updated:
            await asyncio.sleep(0.02)
        assert set(updated) == {"device://actuators/led"}

    converse(EXAMPLE, ("stdio", "legacy"), use, message_handler=hear)
