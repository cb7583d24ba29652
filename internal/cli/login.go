package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

var errNoSessionFolder = errors.New("there is no folder to keep sessions in, because the configuration folder is unknown " +
	"(is HOME set?); use --print")

func newLoginCommand(d Deps) *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in to Kustom Portal and to shops at Mystore, for a provider without API tokens",
		Long: "Opens a window for you to sign in to Kustom Portal, and then a window for each shop at Mystore. It says where you are\n" +
			"signed in, and as whom. It tells you immediately if a window shows another shop's control panel. A window closes when\n" +
			"you are signed in, or when you press Enter.\n\n" +
			"It keeps each session in a file that only you can read, and the provider uses it on this machine. With --print, it keeps\n" +
			"nothing, and prints the sessions for CI secrets. It keeps nothing else of the window.",
		Example: "  " + program + " login --mystore my-shop --mystore other-shop=https://www.other.example/kontrollpanel\n" +
			"  " + program + " login --shops shops.csv",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := f.plan(d.Getenv)
			if err != nil {
				return err
			}
			return login(cmd.Context(), p, d)
		},
	}
	f.add(cmd.Flags())
	return cmd
}

// login signs in to each place, and saves or prints the sessions.
func login(ctx context.Context, p plan, d Deps) error {
	if !p.print && d.Sessions.Dir == "" {
		return errNoSessionFolder
	}
	if browser.Unsandboxed() {
		d.say("You are root, so the browser runs without its own sandbox: a page that breaks out of it controls this machine. Run login as another user.")
	}
	var printed printout
	lines := readLines(d.Stdin)
	for i, place := range p.places {
		if len(p.places) > 1 {
			d.say("%d of %d:", i+1, len(p.places))
		}
		entered, err := p.signIn(ctx, place, lines, d)
		if err != nil {
			return err
		}
		if p.print {
			d.say("%s\n", place.signedInAs(entered))
			err = printed.add(place, entered.Session)
		} else {
			err = saveSession(place, entered, d)
		}
		if err != nil {
			return err
		}
	}
	if !p.print {
		return nil
	}
	return printed.write(d)
}

// signIn opens one window and waits for the person.
func (p plan) signIn(ctx context.Context, at place, lines <-chan struct{}, d Deps) (browser.SignedIn, error) {
	d.say("Opening a window on %s, for %s.\n"+
		"%s\n"+
		"The window closes when you are signed in. If it does not, press Enter here. You have %v. Ctrl-C stops the "+
		"command.",
		at.site.URL, at.name, at.hint, p.timeout)
	within, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	hooks := browser.SignInHooks{Done: lineEntered(within, lines), Elsewhere: func(address *url.URL) {
		if other := p.otherPanel(at, address); other != "" {
			d.say("%s", other)
		}
	}}
	entered, err := d.SignIn(within, p.browser, at.site, hooks)
	if err != nil {
		return browser.SignedIn{}, explain(ctx, at, p.timeout, err)
	}
	return entered, nil
}

// otherPanel returns a warning if an address belongs to another shop's control panel. It returns an empty string if
// that is unclear, such as at a sign-in host.
func (p plan) otherPanel(at place, address *url.URL) string {
	if at.shop == "" {
		return ""
	}
	begin := at.site.URL.Path
	for _, other := range p.places {
		if other.shop != "" && other.shop != at.shop && strings.EqualFold(other.site.URL.Host, address.Host) {
			return fmt.Sprintf("This is the control panel of shop %s, not of shop %s. Go to %s, and sign in there.", other.shop, at.shop, at.site.URL)
		}
	}
	if begin == "" || begin == "/" || address.Path != begin && !strings.HasPrefix(address.Path, begin+"/") {
		return ""
	}
	moved := url.URL{Scheme: address.Scheme, Host: address.Host, Path: begin}
	return fmt.Sprintf("This is the control panel at %s, but the one of shop %s is at %s. Go there and sign in. If the "+
		"shop has moved, stop with Ctrl-C, and run login with --mystore %s=%s.", address.Host, at.shop, at.site.URL.Host, at.shop, &moved)
}

// explain returns an error that says what happened and what to do.
func explain(ctx context.Context, at place, timeout time.Duration, err error) error {
	var missing *browser.MissingError
	switch {
	case ctx.Err() != nil:
		return errors.New("stopped before you signed in to " + at.name + "; no session is kept")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("you did not sign in to %s within %v (see --timeout). If you did, press Enter here next time", at.name, timeout)
	case errors.Is(err, browser.ErrWindowClosed):
		return errors.New("the window was closed before you signed in to " + at.name + "; no session is kept")
	case errors.Is(err, browser.ErrNoDisplay):
		return errors.New("there is no display to open a window on. Run login on a machine with a screen. To use the " +
			"sessions here, run it there with --print, and set the environment variables that it prints")
	case errors.As(err, &missing):
		return fmt.Errorf("%w. Install Chromium or Chrome (on Debian and Ubuntu: apt-get install chromium), or set its "+
			"path with --executable", err)
	}
	return fmt.Errorf("sign in to %s: %w", at.name, err)
}

// readLines returns a channel that receives once for each line that the person enters. Its goroutine ends with the
// program.
func readLines(from io.Reader) <-chan struct{} {
	lines := make(chan struct{})
	if from == nil {
		return lines
	}
	go func() {
		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			lines <- struct{}{}
		}
	}()
	return lines
}

// lineEntered returns a channel that is closed after the next line, or when ctx is done.
func lineEntered(ctx context.Context, lines <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-lines:
		case <-ctx.Done():
		}
	}()
	return done
}

// saveSession saves a session, and says who can use it.
func saveSession(at place, entered browser.SignedIn, d Deps) error {
	file, sealed, err := d.Sessions.Save(at.shop, entered.Session)
	if err != nil {
		return err
	}
	reader := "read this file"
	if sealed {
		reader = "read this file and your system's keyring, which has its key,"
	}
	d.say("%s The session is kept in %s. Anyone who can %s can act as you at %s, until the session expires or you sign "+
		"out there.\n",
		at.signedInAs(entered), file, reader, at.site.Name)
	return nil
}

// signedInAs returns a sentence that says where the person is signed in, and as whom.
func (at place) signedInAs(entered browser.SignedIn) string {
	if entered.User == "" {
		return fmt.Sprintf("You are signed in to %s. The page does not show as whom.", at.name)
	}
	return fmt.Sprintf("You are signed in to %s as %s.", at.name, entered.User)
}

// printout collects the sessions. It prints all of them or none.
type printout struct {
	portal string
	shops  map[string]string
}

func (p *printout) add(at place, session browser.Session) error {
	line, err := session.Line()
	if err != nil {
		return err
	}
	if at.shop == "" {
		p.portal = line
		return nil
	}
	if p.shops == nil {
		p.shops = map[string]string{}
	}
	p.shops[at.shop] = line
	return nil
}

// write prints the variables to standard output, and everything else to standard error.
func (p *printout) write(d Deps) error {
	d.say("\n" +
		"Warning: anyone who has these lines can act as you at the vendors, until the sessions expire or you sign out " +
		"there. Store them only in the secrets of your CI. The name of a secret is before the first = of a line, and its value after it.\n")
	var lines strings.Builder
	if p.portal != "" {
		fmt.Fprintf(&lines, "KUSTOM_PORTAL_SESSION=%s\n", p.portal)
	}
	if p.shops != nil {
		shops, err := json.Marshal(p.shops)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "MYSTORE_SESSIONS=%s\n", shops)
	}
	if _, err := fmt.Fprint(d.Stdout, lines.String()); err != nil {
		return fmt.Errorf("print the sessions: %w", err)
	}
	return nil
}
