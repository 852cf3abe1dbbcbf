"""Take samples somewhere. A sink decimates for itself and never makes the poller wait.

History is none: it is the poller's memory, and comes before all sinks.
"""

from jk_bms.hub import PartRow

SINKS = (
    PartRow("inverter_db", "jk_bms.sinks.inverter_db:inverter_db_sink"),
    PartRow("influx", "jk_bms.sinks.influx:influx", lambda settings: settings.influxdb_host),
    PartRow("metrics", "jk_bms.sinks.metrics:metrics", lambda settings: settings.metrics_bind),
    PartRow("mqtt", "jk_bms.sinks.mqtt.sink:mqtt", lambda settings: settings.mqtt_broker),
)
