"""The operator's page of a daemon that runs."""

import aiohttp
from daemon_process import World, answer_to, eventually

from bridge.emulator import DEMO_BOT_ID

TOKEN = "a-token-that-nobody-guesses"


async def test_without_a_token_there_is_no_page(world: World) -> None:
    daemon = world.daemon()
    await daemon.ready()
    for path in ("/admin", "/admin/", "/admin/login", "/admin/page/style.css"):
        assert (await daemon.get(path))[0] == 404


async def test_an_operator_sees_what_goes_on_and_asks_again(world: World) -> None:
    bot = world.coze.bots.get(DEMO_BOT_ID)
    bot.channels.clear()
    daemon = world.daemon(server__admin_token=TOKEN)
    await daemon.ready()
    world.platform.say("anna", "tea")
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:

        async def page(path: str) -> str:
            async with http.get(daemon.url + path, allow_redirects=False) as response:
                return await response.text()

        assert "csrf" not in await page("/admin")
        async with http.post(f"{daemon.url}/admin/login", data={"token": TOKEN}) as response:
            assert response.url.path == "/admin"
        while "00001" not in (text := await page("/admin/unanswered")):
            pass  # each look asks the daemon
        bot.channels.add("1024")
        csrf = text.partition('name="csrf" value="')[2].partition('"')[0]
        fields = {"csrf": csrf, "id": "1", "wish": "requeue"}
        async with http.post(f"{daemon.url}/admin/unanswered", data=fields) as response:
            assert "1 asked again" in await response.text()
        await eventually(lambda: answer_to("tea") in "".join(world.platform.shown("anna")))
        assert "requeue" in await page("/admin/log")
    daemon.signal()
    assert await daemon.exit_code() == 0
    assert TOKEN not in daemon.log.read_text(encoding="utf-8")
