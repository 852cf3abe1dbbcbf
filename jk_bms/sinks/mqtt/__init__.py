"""Values, alerts and buttons over MQTT, with what Home Assistant has to know of them (docs/mqtt.md).

``names`` makes topics and ids, ``entities`` is the table of what there is, ``states`` decides when a battery is
sent, ``discovery`` describes devices, ``commands`` takes what comes back, and ``sink`` holds the connection.
"""
