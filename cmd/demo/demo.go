package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/terraformcmd"
)

// kustomHost is the host of the keys after the switch.
const kustomHost = "api.kustom.co"

// demo is one run of the guide.
type demo struct {
	out       *printer
	sandbox   *sandbox.Sandbox
	server    *sandbox.Server
	workspace workspace
	tf        terraform
	stores    []store
	// keep says that the user wants to see the pages. looked says that the pages were shown.
	keep, looked bool
	// screen is the unchecked part of out, for links, which hold secrets.
	screen io.Writer
}

type step struct {
	title string
	do    func(context.Context) error
}

func newDemo(tf, provider string, out io.Writer, color, keep bool) (*demo, error) {
	bin, err := exec.LookPath(tf)
	if err != nil {
		return nil, err
	}
	// Terraform runs in another directory.
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	seed := sandbox.ThreeShops()
	s, err := sandbox.New(seed, sandbox.Options{})
	if err != nil {
		return nil, err
	}
	w, err := newWorkspace(provider)
	if err != nil {
		return nil, err
	}
	server, err := sandbox.Start(s)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	env := server.Env()
	env["TF_CLI_CONFIG_FILE"] = w.cliConfig
	env["TF_IN_AUTOMATION"] = "1"
	env["TF_INPUT"] = "0"
	env["CHECKPOINT_DISABLE"] = "1"
	return &demo{
		out:       newPrinter(out, color),
		sandbox:   s,
		server:    server,
		workspace: w,
		tf:        terraform{bin: bin, env: terraformcmd.Environment(os.Environ(), env), color: color},
		stores:    stores(seed),
		keep:      keep,
		screen:    out,
	}, nil
}

// close stops the sandbox and removes the working directories. It may be called twice.
func (d *demo) close() error {
	return errors.Join(d.server.Close(), os.RemoveAll(d.workspace.dir))
}

func (d *demo) steps() []step {
	steps := []step{
		{"Three shops take payments with keys that point at Klarna", d.showKeys},
		{"Terraform finds the legacy keys", d.findLegacy},
		{"One plan has the three steps of Kustom's guide: generate, install, delete", d.plan},
		{"Apply exactly that plan", d.apply},
		{"The next plan is empty", d.planAgain},
		{"Every shop takes an order with its new key", d.takeOrders},
		{"No key points at Klarna any more", d.tidyUp},
	}
	if d.keep {
		steps = append(steps, step{"Look at the vendors' pages, until Ctrl-C", d.showPages})
	}
	return append(steps, step{"Nothing is left behind", d.cleanUp})
}

func (d *demo) showKeys(context.Context) error {
	d.printKeys()
	for _, s := range d.stores {
		if err := d.sandbox.Working(s.shop); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) findLegacy(ctx context.Context) error {
	for _, dir := range []string{d.workspace.inventory, d.workspace.connections} {
		if err := d.show(ctx, dir, io.Discard, "init"); err != nil {
			return err
		}
	}
	legacy, err := d.readLegacy(ctx)
	if err != nil {
		return err
	}
	return d.out.check("each shop's key is among the legacy keys",
		same(legacy.current(), usernames(d.inUse())))
}

func (d *demo) plan(ctx context.Context) error {
	if err := d.show(ctx, d.workspace.connections, d.out, "plan", "-out=switch.tfplan"); err != nil {
		return err
	}
	content, err := d.tf.output(ctx, d.workspace.connections, "show", "-json", "switch.tfplan")
	if err != nil {
		return err
	}
	planned, err := readPlan(content)
	if err != nil {
		return err
	}
	return errors.Join(
		d.out.check(fmt.Sprintf("the plan gives all %d shops new keys", len(d.stores)), same(planned.replaced, usernames(d.inUse()))),
		d.out.check("after that, it deletes the keys that the shops use now", same(planned.deleted, usernames(d.inUse()))),
		d.out.check("it does nothing else", equal(planned.other, 0)),
	)
}

func (d *demo) apply(ctx context.Context) error {
	old := d.inUse()
	if err := d.show(ctx, d.workspace.connections, d.out, "apply", "switch.tfplan"); err != nil {
		return err
	}
	d.printKeys()
	d.out.say("")
	return d.out.check("every shop has a new key, and the old one is deleted", d.replaced(old))
}

func (d *demo) planAgain(ctx context.Context) error {
	err := d.show(ctx, d.workspace.connections, d.out, "plan", "-detailed-exitcode")
	if code, ok := exitCode(err); ok && code == 2 {
		err = errors.New("there are changes")
	}
	return d.out.check("the plan after the apply is empty", err)
}

func (d *demo) takeOrders(ctx context.Context) error {
	for _, s := range d.stores {
		if err := d.out.check(s.shop+" takes an order, and Kustom Portal asks for nothing more", d.takeOrder(s)); err != nil {
			return err
		}
	}
	d.out.say("")
	legacy, err := d.readLegacy(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		d.out.check("no shop uses a key that points at Klarna", same(legacy.current(), nil)),
		d.out.check("no shop was ever without a working key", none(d.sandbox.Violations())),
	)
}

// exclusive is what the demo adds to the example: each store keeps only the key of its shop.
const exclusive = `resource "kustom_api_keys_exclusive" "store" {
  for_each = var.shops

  merchant_id    = each.value
  credential_ids = [kustom_mystore_connection.shop[each.key].credential_id]
}
`

// tidyUp deletes the keys that no shop uses. A connection only names them, because they may belong to another
// resource or person.
func (d *demo) tidyUp(ctx context.Context) error {
	d.out.say("%s", exclusive)
	if err := os.WriteFile(filepath.Join(d.workspace.connections, "exclusive.tf"), []byte(exclusive), 0o600); err != nil {
		return err
	}
	if err := d.show(ctx, d.workspace.connections, d.out, "apply", "-auto-approve"); err != nil {
		return err
	}
	d.printKeys()
	d.out.say("")
	legacy, err := d.readLegacy(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		d.out.check("Kustom Portal lists no key of api.klarna.com", same(legacy.all(), nil)),
		d.out.check("every shop has its key, and no shop was ever without a working one", errors.Join(d.replaced(nil), none(d.sandbox.Violations()))),
	)
}

func (d *demo) takeOrder(s store) error {
	if err := d.sandbox.PlaceOrder(s.shop); err != nil {
		return err
	}
	status, err := d.sandbox.EndpointStatus(s.merchantID)
	if err != nil {
		return err
	}
	if status.ActionRequired {
		return errors.New("the endpoint switch status still asks for action")
	}
	return d.sandbox.Working(s.shop)
}

// showPages prints the addresses of the pages and waits. The links sign the user in, so they go to the screen and not
// to the searched output.
func (d *demo) showPages(ctx context.Context) error {
	for _, line := range d.server.Tour() {
		if _, err := fmt.Fprintln(d.screen, line); err != nil {
			return err
		}
	}
	d.looked = true
	<-ctx.Done()
	return nil
}

func (d *demo) cleanUp(context.Context) error {
	return errors.Join(
		d.out.check("no secret was printed", equal(d.out.leaks(d.sandbox.Secrets()), 0)),
		d.out.check("the sandbox has stopped and the working directories are removed", d.close()),
	)
}

// show prints a command line and runs it. Its output goes to out.
func (d *demo) show(ctx context.Context, dir string, out io.Writer, args ...string) error {
	d.out.say("%s", d.out.style("2", filepath.Base(dir)+"$ "+d.tf.command(args)))
	if err := d.tf.run(ctx, dir, out, args...); err != nil {
		return err
	}
	if out == d.out {
		d.out.say("")
	}
	return nil
}

// readLegacy refreshes the data source and shows its result.
func (d *demo) readLegacy(ctx context.Context) (legacyKeys, error) {
	if err := d.show(ctx, d.workspace.inventory, io.Discard, "apply", "-auto-approve"); err != nil {
		return nil, err
	}
	if err := d.show(ctx, d.workspace.inventory, d.out, "output"); err != nil {
		return nil, err
	}
	content, err := d.tf.output(ctx, d.workspace.inventory, "output", "-json", "legacy_keys")
	if err != nil {
		return nil, err
	}
	var legacy legacyKeys
	if err := json.Unmarshal(content, &legacy); err != nil {
		return nil, fmt.Errorf("read the output legacy_keys: %w", err)
	}
	return legacy, nil
}

func same(got, want []string) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}

func equal(got, want int) error {
	if got != want {
		return fmt.Errorf("got %d, want %d", got, want)
	}
	return nil
}

func none(violations []sandbox.Violation) error {
	var errs []error
	for _, v := range violations {
		errs = append(errs, errors.New(v.String()))
	}
	return errors.Join(errs...)
}
