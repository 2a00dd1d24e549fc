package segment

import (
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// packer packs pages as the codec of parquet-go does, with encoders that last: those of parquet-go go with each garbage
// collection, and each has ten megabytes of memory that must be fresh again.
type packer struct {
	parquetzstd.Codec
	level zstd.EncoderLevel
	idle  chan *zstd.Encoder // that nobody uses; a seal and a merge may run at the same time
}

var (
	_ compress.Codec = (*packer)(nil)
	// better packs what repeats: the messages, and columns of few values.
	better = &packer{level: zstd.SpeedBetterCompression, idle: make(chan *zstd.Encoder, 2)}
	// fastest packs addresses and times, of which a block has thousands: they are 2 % smaller with better, in three to six
	// times the time.
	fastest = &packer{level: zstd.SpeedFastest, idle: make(chan *zstd.Encoder, 2)}
)

// Encode implements compress.Codec.
func (p *packer) Encode(dst, src []byte) ([]byte, error) {
	var e *zstd.Encoder
	select {
	case e = <-p.idle:
	default:
		var err error
		if e, err = zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(p.level),
			zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false),
		); err != nil {
			return nil, err
		}
	}
	dst = e.EncodeAll(src, dst[:0])
	select {
	case p.idle <- e:
	default:
	}
	return dst, nil
}
