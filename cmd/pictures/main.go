// Command pictures takes the pictures of the README with Chromium or Chrome: the sandbox's pages of a shop before and
// after the switch, and the report of a plan on a wide screen and on a phone. Run it with make pictures.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// The shop in the pictures, and the signed-in user.
const (
	shop       = "fjellsport"
	merchantID = "M00412871"
	admin      = "ops@agency.example"
)

// timeout is the maximum time for one picture.
const timeout = time.Minute

func main() {
	browser := flag.String("browser", "", "Chromium's or Chrome's `executable`; the default is the one in PATH")
	out := flag.String("out", ".github/pictures", "`folder` for the pictures")
	plan := flag.String("plan", "internal/report/testdata/switch-fleet-plan-after-failure.json",
		"`file` with the plan of the report: one that a real Terraform has made of the sandbox's shops, one of which failed before")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *browser, *out, *plan)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// fixed is a clock that stands still, shortly after the seed's last order.
type fixed struct{}

func (fixed) Now() time.Time { return time.Date(2026, time.March, 10, 9, 0, 0, 0, time.UTC) }

func run(ctx context.Context, browser, out, plan string) (err error) {
	if browser, err = findBrowser(browser); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	s, err := sandbox.New(sandbox.ThreeShops(), sandbox.Options{Clock: fixed{}, Pages: sandbox.PagesOptions{ConsentGiven: true}})
	if err != nil {
		return err
	}
	server, err := sandbox.Start(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	c := camera{browser: browser, out: out, sandbox: s, url: server.URL()}
	if err := c.takeAll(ctx, "before"); err != nil {
		return err
	}
	// The portal's warning disappears when all stores of its user are switched.
	for _, shop := range sandbox.ThreeShops().Shops {
		if err := switchShop(s, shop.Name, shop.MerchantID); err != nil {
			return err
		}
	}
	if err := c.takeAll(ctx, "after"); err != nil {
		return err
	}
	return c.takeReport(ctx, plan)
}

// phone is a page that frames another one at a phone's width, because no window is that narrow.
const phone = `<!DOCTYPE html><style>body { margin: 0 } iframe { border: 0; width: 390px; height: 100vh }</style><iframe src="report.html"></iframe>`

// takeReport takes pictures of the report of a plan.
func (c camera) takeReport(ctx context.Context, plan string) (err error) {
	file, err := os.Open(plan)
	if err != nil {
		return err
	}
	r, err := report.Read(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kustom-report")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"report.html": page.Bytes(), "phone.html": []byte(phone)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	if err := c.take(ctx, "file://"+filepath.Join(dir, "report.html"), "report-plan.png", "1000,660"); err != nil {
		return err
	}
	return c.take(ctx, "file://"+filepath.Join(dir, "phone.html"), "report-plan-phone.png", "390,860")
}

func findBrowser(name string) (string, error) {
	if name != "" {
		return exec.LookPath(name)
	}
	for _, known := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(known); err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither Chromium nor Chrome is in PATH; on Debian and Ubuntu, run apt-get install chromium")
}

// switchShop follows the guide, and places the first order with the new key.
func switchShop(s *sandbox.Sandbox, shop, merchantID string) error {
	old := s.Keys(merchantID)
	key, err := s.GenerateKey(merchantID, "terraform: "+shop)
	if err != nil {
		return err
	}
	if err := s.Install(shop, key.Username, key.Secret); err != nil {
		return err
	}
	for _, k := range old {
		if err := s.DeleteKey(merchantID, k.CredentialID); err != nil {
			return err
		}
	}
	return s.PlaceOrder(shop)
}

// camera takes pictures of a sandbox's pages.
type camera struct {
	browser string
	out     string
	sandbox *sandbox.Sandbox
	url     string
}

func (c camera) takeAll(ctx context.Context, when string) error {
	links := map[string]func() (string, error){
		"portal-home": func() (string, error) { return c.at(c.url)(c.sandbox.PortalLink(admin, "/")) },
		"portal-api":  func() (string, error) { return c.at(c.url)(c.sandbox.PortalLink(admin, "/integrations/api")) },
		"mystore-credentials": func() (string, error) {
			target := "/extensions/" + sandbox.KlarnaCheckoutV3 + "/credentials"
			return c.at(sandbox.ShopURL(c.url, shop))(c.sandbox.MystoreLink(shop, target))
		},
	}
	for name, link := range links {
		address, err := link()
		if err != nil {
			return err
		}
		if err := c.take(ctx, address, name+"-"+when+".png", "1000,860"); err != nil {
			return fmt.Errorf("take %s: %w", name, err)
		}
	}
	return nil
}

// at returns a function that adds a path to a host.
func (camera) at(host string) func(path string, err error) (string, error) {
	return func(path string, err error) (string, error) { return host + path, err }
}

// take takes one picture in a window of a size, with an empty profile without sessions.
func (c camera) take(ctx context.Context, address, name, size string) (err error) {
	profile, err := os.MkdirTemp("", "kustom-pictures")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(profile)) }()
	file, err := filepath.Abs(filepath.Join(c.out, name))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	args := []string{
		"--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir=" + profile, "--window-size=" + size, "--screenshot=" + file,
		// The content of a page comes after its document.
		"--virtual-time-budget=10000",
	}
	if os.Geteuid() == 0 {
		// Chromium's own sandbox does not work as root.
		args = append(args, "--no-sandbox")
	}
	cmd := exec.CommandContext(ctx, c.browser, append(args, address)...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("the browser took no picture: %w", err)
	}
	return nil
}
