// Connects as a client, checks the CRC of every message with the reference C++ library and prints what it read,
// one line per message. Ends after COUNT messages.
// Usage: igtl_receiver HOST PORT COUNT

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "igtlClientSocket.h"
#include "igtlImageMessage.h"
#include "igtlMessageHeader.h"
#include "igtlPointMessage.h"
#include "igtlStatusMessage.h"
#include "igtlStringMessage.h"
#include "igtlTimeStamp.h"
#include "igtlTrackingDataMessage.h"
#include "igtlTransformMessage.h"

namespace
{

template <class Message>
typename Message::Pointer Read(igtl::ClientSocket* socket, igtl::MessageHeader::Pointer& header)
{
  typename Message::Pointer message = Message::New();
  message->SetMessageHeader(header);
  message->AllocatePack();
  socket->Receive(message->GetPackBodyPointer(), message->GetPackBodySize());
  if (!(message->Unpack(1) & igtl::MessageHeader::UNPACK_BODY))
  {
    std::printf(" BAD_CRC");
  }
  return message;
}

void Print(igtl::Matrix4x4& matrix)
{
  for (int row = 0; row < 3; ++row)
  {
    for (int column = 0; column < 4; ++column)
    {
      std::printf(" %.4f", matrix[row][column]);
    }
  }
}

void PrintImage(igtl::ImageMessage* image)
{
  int size[3];
  float spacing[3];
  igtl::Matrix4x4 matrix;
  image->GetDimensions(size);
  image->GetSpacing(spacing);
  image->GetMatrix(matrix);
  double sum = 0.0;
  if (image->GetScalarType() == igtl::ImageMessage::TYPE_FLOAT32)
  {
    const float* pixels = static_cast<const float*>(image->GetScalarPointer());
    for (int n = 0; n < size[0] * size[1] * size[2] * image->GetNumComponents(); ++n)
    {
      sum += (n % 7 + 1) * pixels[n]; // weighted, so that the order counts
    }
  }
  std::printf(" size %d %d %d components %d type %d endian %d coordinates %d spacing %.4f %.4f %.4f sum %.3f matrix",
    size[0], size[1], size[2], image->GetNumComponents(), image->GetScalarType(), image->GetEndian(),
    image->GetCoordinateSystem(), spacing[0], spacing[1], spacing[2], sum);
  Print(matrix);
}

} // namespace

int main(int argc, char* argv[])
{
  if (argc != 4)
  {
    std::fprintf(stderr, "Usage: igtl_receiver HOST PORT COUNT\n");
    return 2;
  }
  igtl::ClientSocket::Pointer socket = igtl::ClientSocket::New();
  if (socket->ConnectToServer(argv[1], atoi(argv[2])) != 0)
  {
    std::fprintf(stderr, "cannot connect\n");
    return 1;
  }
  for (int count = 0; count < atoi(argv[3]); ++count)
  {
    igtl::MessageHeader::Pointer header = igtl::MessageHeader::New();
    header->InitPack();
    if (socket->Receive(header->GetPackPointer(), header->GetPackSize()) != header->GetPackSize())
    {
      return 1;
    }
    header->Unpack();
    igtl::TimeStamp::Pointer time = igtl::TimeStamp::New();
    igtlUint32 seconds = 0;
    igtlUint32 nanoseconds = 0;
    header->GetTimeStamp(time);
    time->GetTimeStamp(&seconds, &nanoseconds);
    std::printf("%s '%s' time %u.%09u", header->GetDeviceType(), header->GetDeviceName(), seconds, nanoseconds);
    if (std::strcmp(header->GetDeviceType(), "IMAGE") == 0)
    {
      PrintImage(Read<igtl::ImageMessage>(socket, header));
    }
    else if (std::strcmp(header->GetDeviceType(), "TRANSFORM") == 0)
    {
      igtl::Matrix4x4 matrix;
      Read<igtl::TransformMessage>(socket, header)->GetMatrix(matrix);
      Print(matrix);
    }
    else if (std::strcmp(header->GetDeviceType(), "STRING") == 0)
    {
      igtl::StringMessage::Pointer text = Read<igtl::StringMessage>(socket, header);
      std::printf(" encoding %d text %s", text->GetEncoding(), text->GetString());
    }
    else if (std::strcmp(header->GetDeviceType(), "STATUS") == 0)
    {
      igtl::StatusMessage::Pointer status = Read<igtl::StatusMessage>(socket, header);
      std::printf(" code %d sub %ld name %s text %s", status->GetCode(), static_cast<long>(status->GetSubCode()),
        status->GetErrorName(), status->GetStatusString());
    }
    else if (std::strcmp(header->GetDeviceType(), "POINT") == 0)
    {
      igtl::PointElement::Pointer element;
      float x, y, z;
      Read<igtl::PointMessage>(socket, header)->GetPointElement(0, element);
      element->GetPosition(x, y, z);
      std::printf(" %s %s %.4f %.4f %.4f radius %.4f owner %s", element->GetName(), element->GetGroupName(), x, y, z,
        element->GetRadius(), element->GetOwner());
    }
    else if (std::strcmp(header->GetDeviceType(), "TDATA") == 0)
    {
      igtl::TrackingDataElement::Pointer tool;
      igtl::Matrix4x4 matrix;
      Read<igtl::TrackingDataMessage>(socket, header)->GetTrackingDataElement(0, tool);
      tool->GetMatrix(matrix);
      std::printf(" %s type %d", tool->GetName(), tool->GetType());
      Print(matrix);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  socket->CloseSocket();
  return 0;
}
