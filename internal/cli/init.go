package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/setup"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// initFlags are the values of the flags of init.
type initFlags struct {
	vendorFlags
	from   string
	ci     setup.CI
	stores map[string]string
	shared []string
}

func newInitCommand(d Deps) *cobra.Command {
	f := initFlags{vendorFlags: newVendorFlags(), stores: map[string]string{}}
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Match shops to stores, and write a folder that you can plan without changes",
		Long: "Reads your shops and stores, and changes nothing there. It uses the same environment variables and sessions as a plan.\n" +
			"It matches each shop to its store by the key that the shop holds, or else by the store's website. Then it writes a\n" +
			"configuration into DIR, by default the current folder. It overwrites no file, and writes no secret.\n\n" +
			"It lists the shops that match no store, with the reason, and leaves them out. At a terminal, it asks you about a shop if\n" +
			"your answer helps.\n\n" +
			"The exit status is 0 if it has written the folder, even if it left out some shops. It is 3 if it left out a shop that\n" +
			"can't be read: because of such a shop, the provider deletes no old key of any shop. It is 1 if it has written nothing, and\n" +
			"2 if the command line is wrong.",
		Example: "  " + program + " init --from shops.csv --ci github my-shops",
		Args:    atMostOneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return f.run(cmd.Context(), d, dir)
		},
	}
	flags := cmd.Flags()
	f.add(flags, "set up")
	flags.StringVar(&f.from, "from", "", "a CSV `file` with the column shop, and optionally merchant_id, website, description or wave (default all shops that you have a token or a session for)")
	flags.Func("store", "the store of a shop, as `shop=merchant_id`; repeat it for several shops", f.addStore)
	flags.StringArrayVar(&f.shared, "shared", nil, "a `merchant_id` that several shops may have; repeat it for several stores")
	flags.Func("ci", "add a pipeline that plans pull or merge requests, and applies merged ones: `github` or gitlab", f.setCI)
	return cmd
}

// atMostOneFolder rejects more than one argument.
func atMostOneFolder(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%s takes one folder; see %s --help", cmd.Name(), cmd.CommandPath())}
	}
	return nil
}

func (f *initFlags) addStore(text string) error {
	shop, merchantID, _ := strings.Cut(text, "=")
	if !shoplist.IsName(shop) {
		return errors.New("it is not of the form shop=merchant_id")
	}
	if _, err := kustom.ParseMerchantID(merchantID); err != nil {
		return err
	}
	f.stores[shop] = merchantID
	return nil
}

func (f *initFlags) setCI(text string) error {
	f.ci = setup.CI(text)
	if f.ci != setup.CIGitHub && f.ci != setup.CIGitLab {
		return errors.New("it must be github or gitlab")
	}
	return nil
}

func (f *initFlags) run(ctx context.Context, d Deps, dir string) error {
	input := setup.UserInput{Stores: f.stores, Shared: f.shared, Also: slices.AppendSeq(slices.Clone(f.Shops), maps.Keys(f.stores))}
	if err := f.readList(&input); err != nil {
		return err
	}
	// Check this before the slow part: reading from the vendors.
	if err := setup.CheckVacant(dir, setup.Paths(f.ci)...); err != nil {
		return err
	}
	d.say("Reading your stores and shops. This changes nothing there.")
	data, err := d.Survey(ctx, f.surveyOptions(input))
	if err != nil {
		return err
	}
	c := console{d, data.Redactor}
	matching, err := c.match(ctx, data, input)
	if err != nil {
		return errors.New("stopped; nothing is written")
	}
	c.printMatching(data, matching)
	if len(matching.Matches) == 0 {
		return errors.New("no shop matches a store, so nothing is written")
	}
	err = f.write(c, dir, setup.Folder{
		Matching: matching, VendorData: data, Version: d.Version, Labels: f.Labels, AdminURLs: f.AdminURLs, CI: f.ci,
		Variables: slices.DeleteFunc(setup.Variables(), func(name string) bool { return d.Getenv(name) == "" }),
	})
	if unread := matching.Unread(); err == nil && len(unread) > 0 {
		c.say("")
		c.line("The provider can't delete any old key yet, because these shops can't be read and are left out. Fix that "+
			"first, as provider.tf there says: %s",
			strings.Join(unread, ", "))
		return errNeedsAttention
	}
	return err
}

// readList reads the list of shops, if there is one.
func (f *initFlags) readList(input *setup.UserInput) error {
	if f.from == "" {
		return nil
	}
	content, err := os.ReadFile(f.from)
	if err != nil {
		return err
	}
	if input.List, err = shoplist.ParseDraft(content); err != nil {
		return fmt.Errorf("%s: %w", f.from, err)
	}
	return nil
}

// surveyOptions returns the options of the survey.
func (f *initFlags) surveyOptions(input setup.UserInput) provider.SurveyOptions {
	so := provider.SurveyOptions{CheckOptions: f.CheckOptions}
	if input.List == nil {
		return so
	}
	for _, shop := range input.List {
		so.Only = append(so.Only, shop.Name)
	}
	so.Only = append(so.Only, input.Also...)
	return so
}

// write writes the folder and prints the next steps.
func (f *initFlags) write(c console, dir string, folder setup.Folder) error {
	files, err := folder.Files()
	if err != nil {
		return err
	}
	if err := setup.Write(dir, files); err != nil {
		return err
	}
	for _, file := range files {
		_, _ = fmt.Fprintln(c.Stdout, file.Path)
	}
	c.say("\nWritten to %s. Look through it, and then run there:\n\n  terraform init\n  terraform plan", dir)
	if folder.CI != "" {
		c.say("\n" +
			"The pipeline keeps the state in PostgreSQL, whose address is in PG_CONN_STR. Commit .terraform.lock.hcl, " +
			"which terraform init writes. The comments in the pipeline say which secrets it needs.")
	}
	return nil
}

// console prints what was found, without secrets, and asks questions.
type console struct {
	Deps
	redactor *vendortext.Redactor
}

// line prints one line. It may quote a vendor.
func (c console) line(format string, args ...any) {
	const longest = 2000
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	c.say("%s", c.redactor.ShowLines(vendortext.New(text), longest))
}

// printMatching prints which shops match, and why the others do not.
func (c console) printMatching(data setup.VendorData, m setup.Matching) {
	for _, note := range data.Notes {
		c.line("Note: %s", note)
	}
	count := map[setup.Evidence]int{}
	for _, match := range m.Matches {
		count[match.By]++
	}
	c.say("\n%d of %d shops match one of %d stores.", len(m.Matches), len(m.Matches)+len(m.Left), len(data.Stores))
	for _, by := range []setup.Evidence{setup.ByKey, setup.ByWebsite, setup.ByPerson} {
		if count[by] > 0 {
			c.say("  %d by %s", count[by], by)
		}
	}
	if len(m.Left) > 0 {
		c.say("\nThese shops are left out:")
	}
	for _, left := range m.Left {
		c.line("  %s: %s", left.Shop, left.Why)
	}
	if len(m.Unread()) > 0 {
		c.say("\n" +
			"A shop that can't be read may use any key. While the provider has a token or a session for such a shop, it deletes no old\n" +
			"key. Before you apply, do one of these for each such shop: create a new token, set its store with --store, remove its old\n" +
			"token, or name it in ignored_shops.")
	}
	c.printUnread(m)
	if len(m.Stores) > 0 {
		c.say("\nThese stores have no shop here:")
	}
	for _, store := range m.Stores {
		c.line("  %s (%s)", store.MerchantID, store.Name)
	}
	if len(m.Inactive) > 0 {
		c.say("")
		c.line("Klarna Checkout V3 is not active in: %s", strings.Join(m.Inactive, ", "))
	}
}

// printUnread prints the shops that are set up although they can't be read.
func (c console) printUnread(m setup.Matching) {
	first := true
	for _, match := range m.Matches {
		if match.Problem == "" {
			continue
		}
		if first {
			c.say("\nThese shops can't be read yet. A plan names them and continues with the others:")
		}
		first = false
		c.line("  %s (%s): %s", match.Name, match.MerchantID, match.Problem)
	}
}

// match matches the shops. If a person is present, it asks about each shop that does not match, once.
func (c console) match(ctx context.Context, data setup.VendorData, input setup.UserInput) (setup.Matching, error) {
	m := setup.MatchShops(data, input)
	if !c.Interactive {
		return m, nil
	}
	answers := readAnswers(c.Stdin)
	asked := map[string]bool{}
	for again := true; again; m = setup.MatchShops(data, input) {
		again = false
		for _, left := range m.Left {
			about := left.Shop
			if left.Ask == setup.AskShared {
				about = left.Shared
			}
			if left.Ask == setup.AskNothing || asked[about] {
				continue
			}
			asked[about], again = true, true
			if err := c.ask(ctx, answers, m, left, &input); err != nil {
				return setup.Matching{}, err
			}
		}
	}
	return m, nil
}

// ask repeats its question until the answer is valid or empty. It never prints the answer, which may be a secret.
func (c console) ask(ctx context.Context, answers <-chan string, m setup.Matching, left setup.UnmatchedShop, input *setup.UserInput) error {
	if left.Ask == setup.AskShared {
		c.say("")
		c.line("Shop %s: %s. Do they share it? (y or Enter)", left.Shop, left.Why)
		answer, err := next(ctx, answers)
		if strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes") {
			input.Shared = append(input.Shared, left.Shared)
		}
		return err
	}
	c.say("")
	c.line("Shop %s: %s.", left.Shop, left.Why)
	if free := storeNames(m.Stores); free != "" {
		c.line("Stores without a shop: %s", free)
	}
	c.say("Which merchant ID does its store have? (Enter leaves the shop out)")
	for {
		answer, err := next(ctx, answers)
		if err != nil || answer == "" {
			return err
		}
		if _, err := kustom.ParseMerchantID(answer); err == nil {
			input.Stores[left.Shop] = answer
			return nil
		}
		c.say("That is not a merchant ID, such as M00123456. Which merchant ID does its store have? (Enter leaves the " +
			"shop out)")
	}
}

// storeNames returns the names of the stores, 20 at most.
func storeNames(stores []kustom.Store) string {
	const most = 20
	var names []string
	for i, store := range stores {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(stores)-most))
			break
		}
		names = append(names, fmt.Sprintf("%s (%s)", store.MerchantID, store.Name))
	}
	return strings.Join(names, ", ")
}

// readAnswers returns a channel of the lines that the person enters. Its goroutine ends with the program.
func readAnswers(from io.Reader) <-chan string {
	answers := make(chan string)
	go func() {
		defer close(answers)
		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			answers <- strings.TrimSpace(scanner.Text())
		}
	}()
	return answers
}

// next returns the next answer; it is empty after the last one. The error is that of ctx.
func next(ctx context.Context, answers <-chan string) (string, error) {
	select {
	case answer := <-answers:
		return answer, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
