"""What was typed outlives a reload."""


def test_a_prompt_outlives_a_reload_of_its_tab_and_no_other(visit):
    usual = visit.page.input_value("#prompt textarea")
    visit.page.fill("#prompt textarea", "Half a thou")
    visit.open("?__theme=dark")
    assert visit.page.input_value("#prompt textarea") == "Half a thou"
    visit.page.click("#go")  # Gradio knows of it too
    visit.until("player.run.startsWith('run-') && player.isDone")
    assert visit.decoder.runs[-1].header.prompt == "Half a thou"
    visit.page.click("#chips .chip")  # an example is none of one's own until it is asked
    asked = visit.page.input_value("#prompt textarea")
    visit.decode_whole(asked)
    visit.open("?__theme=dark")
    assert visit.page.input_value("#prompt textarea") == asked != "Half a thou"
    visit.ask("sessionStorage.clear()")
    visit.open("?__theme=dark")
    assert visit.page.input_value("#prompt textarea") == usual
