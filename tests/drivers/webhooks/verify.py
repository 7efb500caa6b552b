# Checks signatures of webhooks with the reference implementation of Standard Webhooks. Reads one JSON document a line with
# "secret", "headers" and "body", and prints `ok` or why not.
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    message = json.loads(line)
    try:
        Webhook(message["secret"]).verify(message["body"], message["headers"])
        print("ok")
    except WebhookVerificationError as error:
        print(error)
