#!/bin/sh
# Creates every topic jknbridge reads or writes, with the settings of docs/events.md. Usage: topics.sh <broker>
# Run inside the image apache/kafka; elsewhere say where Kafka is with KAFKA_HOME.
set -eu
broker=$1
size=max.message.bytes=16777216

create() { # <topic> [--config name=value]...
  topic=$1
  shift
  "${KAFKA_HOME:-/opt/kafka}/bin/kafka-topics.sh" --bootstrap-server "$broker" --create --if-not-exists \
    --topic "$topic" --partitions 6 "$@"
}

for name in encounter patient condition observation procedure medicationrequest allergyintolerance servicerequest appointment; do
  create "fhir.$name"
  create "fhir.$name-dlt" --config "$size" --config retention.ms=7776000000
done
create jkn.kbk.kontak.v1 --config cleanup.policy=compact
create jkn.hasil.v1 --config cleanup.policy=delete --config "$size"
