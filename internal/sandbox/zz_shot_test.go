package sandbox
import ("testing";"os";"github.com/chromedp/chromedp";"strings";"time")
func TestShot(t *testing.T) {
	seed := ThreeShops()
	o := Options{}
	o.Pages.Mutations = strings.FieldsFunc(os.Getenv("MUT"), func(r rune) bool { return r == ',' })
	b := newBench(t, seed, o)
	p := newTab(t)
	path, _ := b.s.PortalLink(admin, "/integrations/api")
	p.open(b.srv.URL()+path)
	time.Sleep(time.Second)
	shot := func(n string) { d, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot()); if err != nil { t.Fatal(err) }; os.WriteFile("/tmp/shot-"+n+".png", d, 0o600) }
	shot("banner")
	p.press("Necessary only")
	p.press("Generate new")
	time.Sleep(time.Second/2)
	shot("popup")
	p.pressNth("[role=dialog] button", "Close", 0)
	p.pressNth("[aria-haspopup=menu]", "Open menu", 0)
	time.Sleep(time.Second/2)
	shot("menu")
}
