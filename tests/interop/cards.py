"""The official Python SDK signs cards, and says which ones it believes; each as one line of JSON.

    cards.py sign URL           a card of an agent at this address, signed with a key that is drawn here, and its key set
    cards.py verify URL CA      whether it believes the card of a house by the keys that lie there, and one that was altered
"""

import json
import ssl
import sys

import httpx
import jwt
from a2a.client.card_resolver import parse_agent_card
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from a2a.utils.signing import SignatureVerificationError, create_agent_card_signer, create_signature_verifier
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.json_format import MessageToDict
from jwt.algorithms import ECAlgorithm


def sign(url):
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "their-key"}
    card = AgentCard(
        name="Wörter",
        description="Says little.",
        version="1",
        supported_interfaces=[AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=False),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="say", name="Say", description="", tags=["text"], examples=["say little"])],
    )
    header = {"alg": "ES256", "kid": "their-key", "typ": "JOSE"}
    signed = create_agent_card_signer(key, header)(card)
    return {"card": MessageToDict(signed), "keys": {"keys": [public]}}


def verify(url, ca):
    with httpx.Client(verify=ssl.create_default_context(cafile=ca), base_url=url) as http:
        card = http.get("/.well-known/agent-card.json").json()
        keys = {key["kid"]: key for key in http.get("/.well-known/jwks.json").json()["keys"]}
    believes = create_signature_verifier(lambda kid, _: jwt.PyJWK(keys[kid]), ["ES256"])

    def is_believed(card):
        try:
            believes(parse_agent_card(card))
            return True
        except SignatureVerificationError:
            return False

    altered = {**card, "description": "Something else."}
    return {"believed": is_believed(card), "altered": is_believed(altered), "signatures": len(card["signatures"])}


print(json.dumps({"sign": sign, "verify": verify}[sys.argv[1]](*sys.argv[2:])))
