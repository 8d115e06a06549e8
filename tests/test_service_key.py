"""`check --offline` looks at the key of `[coze.oauth]`."""

from pathlib import Path

from joserfc.jwk import RSAKey

from bridge.check import Finding, offline

KEY = RSAKey.generate_key(2048)


async def findings(folder: Path, pem: bytes) -> list[Finding]:
    """Check a configuration whose key file holds this."""
    key = folder / "key.pem"
    key.write_bytes(pem)
    key.chmod(0o600)
    config = folder / "config.toml"
    config.write_text(
        f"""
[coze.oauth]
client_id = "app-1"
public_key_id = "fingerprint"
private_key_file = "{key}"
[agents.default]
bot_id = "1"
[adapters.web]
[database]
url = "sqlite:///{folder}/bridge.db"
""",
        encoding="utf-8",
    )
    return await offline(config, {})


async def test_a_key_that_can_sign_is_said_to(tmp_path: Path) -> None:
    found = await findings(tmp_path, KEY.as_pem(private=True))
    assert Finding("ok", "coze.oauth: the private key can sign") in found
    assert {each.verdict for each in found} == {"ok"}


async def test_a_key_that_cannot_sign_is_wrong(tmp_path: Path) -> None:
    found = await findings(tmp_path, KEY.as_pem(private=False))
    wrong = "coze.oauth.private_key: is the public key; the private one is needed"
    assert Finding("wrong", wrong) in found
