#!/bin/bash
# Exit with 0 when TensorFlow Serving has an AVAILABLE version of a model: ready.sh MODEL [REST_PORT]
#
# The server has no /healthz, and GET /v1/models/MODEL answers 200 in any state, so the body decides. The image
# tensorflow/serving holds no curl; its bash opens the connection.
exec 3<>"/dev/tcp/127.0.0.1/${2:-8501}" || exit 1
printf 'GET /v1/models/%s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$1" >&3
available='"state": *"AVAILABLE"'
while IFS= read -r -t 5 line <&3 || [[ -n $line ]]; do
  [[ $line =~ $available ]] && exit 0
  line=
done
exit 1
